"""Weights, steps and pictures that are as odd as can be: a picture, and a line.

Whatever happens, pixels are numbers in [0, 1], and what went wrong is an event.
"""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import NO_LOSS, SHALLOW, job, picture

from nst_jax.errors import DivergenceError
from nst_jax.options import FIELDS

HEIGHT, WIDTH = 16, 12
OPTIONS = dataclasses.replace(
    SHALLOW,
    size=HEIGHT,
    steps=3,
    style_weight=100.0,
    content_taps=("relu1_1",),
    content_loss="share",  # By the photo's squares, which may be 0.
)
LOSSES = tuple(FIELDS["style_loss"].metadata["choices"])
SOLVERS = tuple(FIELDS["solver"].metadata["choices"])


def flat(*colour: float) -> np.ndarray:
    return np.broadcast_to(np.float32(colour), (HEIGHT, WIDTH, 3)).copy()


BLACK, WHITE, RED = flat(0, 0, 0), flat(1, 1, 1), flat(0.7, 0, 0)
TWO = BLACK + (np.arange(WIDTH) >= WIDTH // 2)[:, None]
USUAL = picture(1, HEIGHT, WIDTH), picture(11, HEIGHT, WIDTH)

PAIRS = {
    "usual": USUAL,
    "black photo": (BLACK, USUAL[1]),
    "black painting": (USUAL[0], BLACK),
    "white photo of one colour": (WHITE, RED),
    "two values": (TWO, TWO),
    "nothing but black": (BLACK, BLACK),
}


def made(run_jobs, jobs):
    """What `run_jobs` gives, every picture of it one."""
    found = run_jobs(jobs, lanes=len(jobs))
    for result in found.values():
        if not isinstance(result, DivergenceError):
            assert result.image.dtype == np.float32
            assert np.isfinite(result.image).all()
            assert 0 <= result.image.min() <= result.image.max() <= 1
            assert np.isfinite(result.loss)
    return [found[place] for place in range(len(jobs))]


def stayed(result, content) -> bool:
    return bool(np.abs(result.image - content).max() < 1e-6)


@pytest.mark.slow  # A program each.
@pytest.mark.parametrize("loss", LOSSES)
def test_flat_pictures_and_huge_weights(run_jobs, loss):
    options = dataclasses.replace(OPTIONS, style_loss=loss)
    jobs = [job(*pair, options) for pair in PAIRS.values()]
    heavy = [dataclasses.replace(options, style_weight=w) for w in (1e30, NO_LOSS)]
    results = made(run_jobs, [*jobs, *(job(*USUAL, one) for one in heavy)])
    *usual, heavy, beyond = results
    contents = [content for content, _ in PAIRS.values()]
    for result, content in zip(usual, contents, strict=True):
        assert result.events or not stayed(result, content)
    # Squares of its gradient are beyond float32, or the loss itself is.
    if not isinstance(heavy, DivergenceError):
        assert heavy.events or not stayed(heavy, USUAL[0])
    assert isinstance(beyond, DivergenceError) or beyond.events


@pytest.mark.slow  # A program each.
@pytest.mark.parametrize("solver", SOLVERS)
def test_steps_a_million_times_too_long(run_jobs, solver):
    options = dataclasses.replace(OPTIONS, solver=solver, learning_rate=1e6, steps=12)
    jobs = [job(*pair, options) for pair in PAIRS.values()]
    results = made(run_jobs, jobs)
    for result, (content, _) in zip(results, PAIRS.values(), strict=True):
        assert result.events or not stayed(result, content)
        assert result.loss <= result.losses[0]
    assert any(result.events for result in results)
