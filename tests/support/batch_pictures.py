"""Pictures and options of batches, and what is asked of their results."""

import dataclasses
import itertools

import numpy as np
import pytest

from nst_jax.images import resize
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job
from support.classic import classic

ADAM = classic(
    size=33,
    steps=6,
    solver="adam",
    content_taps=("relu3_1",),
    style_taps=("relu1_1", "relu2_1"),
)
SHALLOW = dataclasses.replace(
    ADAM,
    content_taps=("relu2_1",),
    style_taps=("relu1_1",),
    style_tap_decay=Options.style_tap_decay,  # Of one tap it says nothing.
)
LBFGS = dataclasses.replace(SHALLOW, solver="lbfgs", history=3)
PYRAMID = dataclasses.replace(SHALLOW, size=128, pyramid=2)


NO_LOSS = 3e38
"""A style weight whose loss is beyond float32."""


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """`[height, width, 3]` in [0, 1], smooth."""
    coarse = np.random.default_rng(seed).random((7, 5, 3), np.float32)
    return resize.resize(coarse, (height, width))


# Two of one frame, one of them padded, and one of another.
PHOTOS = [picture(1, 33, 24), picture(2, 33, 23), picture(3, 25, 33)]
PAINTINGS = [picture(11, 30, 33), picture(12, 33, 19)]
FIVE = [picture(seed, 33, 20) for seed in range(20, 25)]
"""Paintings."""
LARGE = [picture(seed, 128, width) for seed, width in ((1, 92), (2, 91))]
"""Photos for a pyramid, of one frame."""


def job(content, styles, options=ADAM, **keywords) -> Job:
    styles = styles if isinstance(styles, list | tuple) else [styles]
    return Job(Source.of(content), tuple(map(Source.of, styles)), options, **keywords)


def jobs_of(contents, styles, options=ADAM) -> list[Job]:
    return [job(c, s, options) for c, s in itertools.product(contents, styles)]


def assert_close(found, expected):
    assert found.image.shape == expected.image.shape
    assert found.iterations == expected.iterations
    assert found.options == expected.options
    np.testing.assert_allclose(found.losses, expected.losses, rtol=1e-3)
    np.testing.assert_allclose(found.image, expected.image, atol=2e-3)
    assert found.loss == pytest.approx(expected.loss, rel=1e-3)


def assert_same(found, expected):
    """Bit for bit."""
    assert (found.loss, found.iterations) == (expected.loss, expected.iterations)
    np.testing.assert_array_equal(found.image, expected.image)
