"""Runs that compare hypercolumns, at places drawn anew at each step."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import assert_close, picture
from support.posing import pose

import nst_jax
from nst_jax.errors import OptionsError
from nst_jax.images import resize
from nst_jax.options import Options
from nst_jax.perceptual.parts import loss_weights
from nst_jax.transfer import jobs
from weights_convert.errors import NetworkError

TAPS = ("image", "relu1_1", "relu2_1")
OPTIONS = Options(
    **{"size": 48, "pyramid": 2, "pyramid_step": 1.5, "pyramid_from": 16, "steps": 4},
    **{"content_taps": TAPS, "style_taps": TAPS, "features": "hypercolumns"},
    **{"content_loss": "self_similarity", "style_loss": "strotss"},
    **{"content_weight": 1.0, "style_weight": 1.0, "palette_weight": 1.0},
    **{"content_weight_at": 96, "init": "details", "seed": 3},
    **{"solver": "rmsprop", "learning_rate": 0.01},
    **{"coordinates": "laplacian", "laplacian_levels": 3},
)
PHOTOS, PAINTING = [picture(1, 48, 35), picture(2, 48, 34)], picture(11, 40, 48)


@pytest.mark.slow
def test_places_follow_from_the_iteration_and_the_seed(tiny_network):
    objective, problem = pose(PHOTOS[0], [PAINTING], OPTIONS, tiny_network)
    image = jnp.asarray(picture(5, 48, 35))[None]
    evaluate = jax.jit(lambda problem, n: objective(image, problem, n)[0][0])
    first, again, next_one = (float(evaluate(problem, n)) for n in (0, 0, 1))
    assert first == again
    assert first != next_one
    # All are of one picture, and about as far.
    assert first == pytest.approx(next_one, rel=0.1)
    other = dataclasses.replace(problem, seeds=problem.seeds + 1)
    assert float(evaluate(other, 0)) != first


@pytest.mark.slow
def test_the_photo_is_like_itself_wherever_it_is_read(tiny_network):
    options = dataclasses.replace(OPTIONS, style_weight=0.0, palette_weight=0.0)
    objective, problem = pose(PHOTOS[0], [PAINTING], options, tiny_network)

    @jax.jit
    def content(image, n):
        return objective(image[None], problem, n)[1]["content/hypercolumn"][0]

    for n in (0, 5):
        assert float(content(jnp.asarray(PHOTOS[0]), n)) < 1e-4
        assert float(content(jnp.asarray(PHOTOS[0][::-1].copy()), n)) > 0.1


def test_weights_by_size():
    """As STROTSS has them: 16 at 64 pixels, halved at each size."""
    options = dataclasses.replace(OPTIONS, content_weight_at=1024)
    for size, content in ((64, 16), (128, 8), (512, 2), (1024, 1), (2048, 0.5)):
        found = loss_weights(options, size)
        assert found["content/hypercolumn"] == content
        assert found["style/palette"] == 1 / max(content, 1)
        assert found["style/hypercolumn"] == 1
    plain = dataclasses.replace(options, content_weight_at=0)
    assert loss_weights(plain, 64) == loss_weights(plain, 1024)


@pytest.mark.slow
def test_begins_with_details_on_the_mean_colour(tiny_network):
    options = dataclasses.replace(OPTIONS, steps=0, pyramid=1)
    image = nst_jax.stylize(PHOTOS[0], PAINTING, options, network=tiny_network).image
    painting = resize.resize_longest(PAINTING, 48)
    half = resize.resampled(PHOTOS[0], (24, 17), linear=True)
    lost = PHOTOS[0] - resize.resampled(half, (48, 35), linear=True)
    expected = np.clip(painting.mean((0, 1)) + lost, 0, 1)
    np.testing.assert_allclose(image, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "error", "line"),
    [
        ({"solver": "lbfgs"}, OptionsError, "give solver=rmsprop or adam"),
        (
            {"style_tap_weights": (1, 2, 3)},
            OptionsError,
            "style_tap_weights: .* vector",
        ),
        ({"features": "taps"}, NetworkError, "no tap image"),
        ({"style_loss": "gram"}, NetworkError, "no tap image"),
    ],
)
def test_what_does_not_fit_is_one_line(given, error, line):
    with pytest.raises(error, match=line):
        jobs.check_options(dataclasses.replace(OPTIONS, **given), 1)


@pytest.fixture(scope="module")
def run(tiny_network):
    return functools.partial(
        nst_jax.stylize, PHOTOS[0], PAINTING, OPTIONS, network=tiny_network
    )


@pytest.mark.slow
@pytest.mark.parametrize("count", [5])
def test_stopped_and_resumed_is_the_whole_run(run, tmp_path, count):
    state_file, calls, seen = tmp_path / "run.state", [], []

    def stop(progress):
        calls.append(progress)
        return len(calls) == count

    def note(progress):
        seen.append(progress.image())

    whole = run(on_progress=note, every=(1,))
    part = run(on_progress=stop, every=(1,), state_file=state_file)
    rest = run(state_file=state_file, resume=True)
    losses = np.concatenate([part.losses, rest.losses])
    np.testing.assert_array_equal(losses, whole.losses)
    np.testing.assert_array_equal(rest.image, whole.image)
    # The result is the last iterate, whichever drew the lowest loss.
    np.testing.assert_array_equal(seen[-1], whole.image)
    moved = [np.abs(a - b).max() for a, b in itertools.pairwise(seen[3:])]
    assert all(step > 0 for step in moved)


@pytest.mark.slow
def test_pictures_of_two_shapes_are_what_they_are_alone(tiny_network):
    options = dataclasses.replace(OPTIONS, pyramid=1)
    found = nst_jax.stylize_batch(PHOTOS, [PAINTING], options, network=tiny_network)
    alone = nst_jax.stylize(PHOTOS[1], PAINTING, options, network=tiny_network)
    assert_close(found[1], alone)


@pytest.mark.slow
def test_each_region_is_like_its_own_paintings(tiny_network):
    """A step is the same where the painting is, whatever the other region's is."""
    left = np.zeros(PHOTOS[0].shape[:2], np.float32)
    left[:, :17] = 1
    options = dataclasses.replace(OPTIONS, pyramid=1, steps=1, coordinates="pixels")
    options = dataclasses.replace(options, content_weight=0.0, init="content")
    found = [
        nst_jax.stylize(
            *(PHOTOS[0], [PAINTING, second], options),
            network=tiny_network,
            masks=[left, 1 - left],
        ).image
        for second in (PAINTING, 1 - PAINTING)
    ]
    apart = np.abs(found[0] - found[1]).max((0, 2))
    assert apart[:9].max() < 1e-5
    assert apart[26:].min() > 1e-2


@pytest.mark.slow
def test_what_is_kept_stays_and_paintings_blend(tiny_network):
    left = np.zeros(PHOTOS[0].shape[:2], np.float32)
    left[:, :17] = 1
    options = dataclasses.replace(OPTIONS, pyramid=1, steps=3, style_blend=(3, 1))
    kept = nst_jax.stylize(
        *(PHOTOS[0], [PAINTING, 1 - PAINTING], options),
        network=tiny_network,
        keep_mask=left,
    ).image
    np.testing.assert_allclose(kept[:, :17], PHOTOS[0][:, :17], atol=1e-6)
    assert np.abs(kept[:, 17:] - PHOTOS[0][:, 17:]).mean() > 0.05
