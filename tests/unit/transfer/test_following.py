"""Runs whose targets follow from what a size begins with, and their last pass."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import picture

import nst_jax
from nst_jax.images import resize
from nst_jax.images.source import Source
from nst_jax.losses.hypercolumn import HYPERCOLUMN
from nst_jax.options import Options
from nst_jax.transfer.following import followed, sought
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.sizes import scales

OPTIONS = Options(
    **{"size": 48, "pyramid": 2, "pyramid_step": 1.5, "pyramid_from": 16},
    **{"content_taps": (), "style_taps": ("relu1_1", "relu2_1", "relu3_1")},
    **{"style_loss": "neighbors", "style_weight": 1.0, "style_turns": 4},
    **{"finish_loss": "neighbors_split", "finish_length": 1.0, "steps": 6},
    **{"solver": "adam", "learning_rate": 0.02, "learning_rate_decay": "none"},
    **{"coordinates": "laplacian", "laplacian_levels": 3, "color": "nnst"},
)
ONE_SIZE = dataclasses.replace(OPTIONS, pyramid=1, style_turns=1)
PHOTOS, PAINTING = [picture(1, 48, 35), picture(2, 48, 34)], picture(11, 40, 48)


def posed(network, photo, paintings, options, *, began=None, coarsest=False):
    """The objective at the full size, and its data with targets of a beginning."""
    studio, lane = Studio(network, options), lane_of(photo, paintings, options)
    began = photo if began is None else began
    problem = followed(
        *(studio, studio.pose([lane]), [lane], jnp.asarray(began)[None]),
        coarsest=coarsest,
    )
    return studio.objective, problem


def test_the_last_pass_is_one_more_at_the_full_size():
    assert [tuple(scale) for scale in scales(OPTIONS)] == [
        (32, 2, False),
        (48, 4, False),
        (48, 6, True),
    ]
    longer = dataclasses.replace(OPTIONS, finish_length=2, pyramid=1)
    assert [scale.until for scale in scales(longer)] == [2, 6]


@pytest.mark.slow
def test_a_photo_that_is_the_painting_is_its_own_target(tiny_network):
    options = dataclasses.replace(OPTIONS, style_turns=1, content_share=1.0)
    photo = PHOTOS[0]
    began = picture(5, *photo.shape[:2])
    objective, problem = posed(tiny_network, photo, [photo], options, began=began)
    (total,), _ = objective(jnp.asarray(photo)[None], problem)
    assert abs(total) < 1e-6
    (other,), _ = objective(jnp.asarray(began)[None], problem)
    assert other > 1e-3


@pytest.mark.slow
def test_a_turned_painting_is_the_same_if_all_its_quarters_count(tiny_network):
    found = []
    for painting in (PAINTING, np.rot90(PAINTING).copy()):
        _, problem = posed(tiny_network, PHOTOS[0], [painting], OPTIONS, coarsest=True)
        found.append(problem.targets[f"style/{HYPERCOLUMN}"].features)
    np.testing.assert_allclose(*found, atol=1e-5)
    once = dataclasses.replace(OPTIONS, style_turns=1)
    _, problem = posed(tiny_network, PHOTOS[0], [PAINTING], once, coarsest=True)
    other = problem.targets[f"style/{HYPERCOLUMN}"].features
    assert np.abs(np.asarray(other) - np.asarray(found[0])).max() > 0.01


def test_what_is_matched_is_the_photo_mixed_with_what_was_painted():
    photo, image = PHOTOS[0], picture(7, *PHOTOS[0].shape[:2])
    options = dataclasses.replace(OPTIONS, content_share=0.6)
    lane = lane_of(photo, [PAINTING], options)
    coarse = resize.resampled(photo, (24, 17), linear=True)
    finest = photo - resize.resampled(coarse, photo.shape[:2], linear=True)
    expected = 0.6 * photo + 0.4 * (image + finest)
    found = sought(lane, image, coarsest=False)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(sought(lane, image, coarsest=True), photo)


@pytest.fixture(scope="module")
def run(tiny_network):
    def run(on_progress=None, options=OPTIONS, **keywords):
        return nst_jax.stylize(
            *(PHOTOS[0], PAINTING, options),
            network=tiny_network,
            on_progress=on_progress,
            **keywords,
        )

    return run


@pytest.fixture(scope="module")
def whole(run):
    return run()


@pytest.mark.slow  # A program for each of three passes.
def test_goes_through_the_passes(run):
    iterations, shapes = [], []

    def note(progress):
        last = progress.iteration
        iterations.extend(range(last + 1 - len(progress.losses), last + 1))
        shapes.extend([progress.image().shape[0]] * len(progress.losses))

    result = run(note, every=(1,))
    assert iterations == [0, 1, 2, 2, 3, 4, 4, 5, 6]
    assert shapes == [32] * 3 + [48] * 6
    assert result.losses[0] > result.losses[2]
    assert result.losses[3] > result.losses[5]
    assert np.isfinite(result.image).all()


# In each of the three passes, at the end of the second, and at the third's first.
@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 5, 6, 7, 8])
def test_stopped_and_resumed_is_the_whole_run(run, whole, tmp_path, count):
    state_file, calls = tmp_path / "run.state", []

    def stop(progress):
        calls.append(progress)
        return len(calls) == count

    part = run(stop, every=(1,), state_file=state_file)
    rest = run(state_file=state_file, resume=True)
    losses = np.concatenate([part.losses, rest.losses])
    np.testing.assert_array_equal(losses, whole.losses)
    np.testing.assert_array_equal(rest.image, whole.image)


def seen(network, photos):
    """Losses and gradients of both passes at the full size, of lanes."""
    sources = Source.of(PAINTING), *map(Source.of, photos)
    jobs = [Job(photo, sources[:1], ONE_SIZE) for photo in sources[1:]]
    pictures = Pictures(jobs, {one.key: one.shape() for one in sources})
    lanes = [pictures.opened(pictures.lane(job, 48)) for job in jobs]
    began = jnp.asarray(np.stack([lane.content.pixels for lane in lanes]))
    first = Studio(network, ONE_SIZE)
    problem = followed(first, first.pose(lanes), lanes, began, coarsest=True)
    found = []
    last = first.finishing, first.finishing.pose(lanes)
    for studio, data in ((first, problem), last):

        def total(images, studio=studio, data=data):
            losses, _ = studio.objective(images, data, 3)
            return jnp.sum(losses), losses

        slope = jax.jit(jax.grad(total, has_aux=True))
        found.append([np.asarray(x) for x in slope(0.8 * began + 0.1)])
    return found


@pytest.mark.slow
def test_padded_pictures_are_seen_as_they_are_alone(tiny_network):
    together, alone = seen(tiny_network, PHOTOS), seen(tiny_network, PHOTOS[1:])
    height, width = PHOTOS[1].shape[:2]
    for (slopes, losses), (slope, loss) in zip(together, alone, strict=True):
        assert losses[1] == pytest.approx(loss[0], rel=1e-5)
        inner = slopes[1, :height, :width]
        np.testing.assert_allclose(inner, slope[0], atol=1e-6)
        assert not np.any(slopes[1, :, width:])


@pytest.mark.slow
def test_pictures_of_two_shapes_come_out_as_they_do_alone(tiny_network):
    """But that rounding may choose another of neighbours that are nearly as near."""
    options = dataclasses.replace(ONE_SIZE, steps=4)
    found = nst_jax.stylize_batch(PHOTOS, [PAINTING], options, network=tiny_network)
    alone = nst_jax.stylize(PHOTOS[1], PAINTING, options, network=tiny_network)
    np.testing.assert_allclose(found[1].losses, alone.losses, rtol=1e-2)
    assert np.abs(found[1].image - alone.image).mean() < 5e-3


@pytest.mark.slow
def test_seeds_draw_other_positions_in_the_last_pass_alone(run):
    options = dataclasses.replace(ONE_SIZE, size=144, steps=3)
    one, two = (
        run(options=dataclasses.replace(options, seed=seed)).losses for seed in (0, 1)
    )
    np.testing.assert_array_equal(one[:2], two[:2])
    assert not np.array_equal(one[2:], two[2:])


@pytest.mark.slow
def test_each_region_has_its_own_neighbours(tiny_network):
    """Where a region is like the one painting, the other one changes nothing."""
    left = np.zeros(PHOTOS[0].shape[:2], np.float32)
    left[:, :17] = 1
    other = 1 - picture(12, 30, 48)
    options = dataclasses.replace(ONE_SIZE, finish_loss="none", steps=4)
    found = [
        nst_jax.stylize(
            *(PHOTOS[0], [PAINTING, second], options),
            network=tiny_network,
            masks=[left, 1 - left],
        ).image
        for second in (other, PAINTING)
    ]
    apart = np.abs(found[0] - found[1]).mean((0, 2))
    # Not nothing: large shapes of the pyramid, and what the network sees, reach over.
    assert apart[:9].max() < 0.5 * apart[26:].max()
