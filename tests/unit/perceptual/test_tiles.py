"""Losses of pictures seen in tiles are those of the whole, and so are their slopes."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import picture
from support.classic import classic
from support.masks import divided_job, halves, lane_of_job
from support.tiny import built, narrow, random_weights

from nst_jax.errors import OptionsError
from nst_jax.images.frames import pad
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from weights_convert import architectures

SHALLOW = classic(
    content_taps=("relu2_1",), style_taps=("relu1_1", "relu2_2"), tv_weight=2.0
)
SHAPE = (75, 90)  # Odd, and no multiple of what the taps' strides are.
TILE = 24


def seen(studio, job, start):
    """Total, parts and gradient of a picture, of a job alone."""
    lane = lane_of_job(job)
    objective, problem = studio.of_form(lane.form), studio.pose([lane])

    def total(image):
        totals, parts = objective(image[None], problem)
        return totals[0], parts

    run = jax.jit(jax.value_and_grad(total, has_aux=True))
    (loss, parts), gradient = run(jnp.asarray(start))
    return float(loss), {name: float(of[0]) for name, of in parts.items()}, gradient


def assert_tiles_are_the_whole(network, job, *, tile=TILE, rtol=1e-5):
    shape = job.content.shape()
    studio, start = Studio(network, job.options), picture(7, *shape)
    assert studio.tiling(shape, tile)
    loss, parts, gradient = seen(studio, job, start)
    tiled_loss, tiled, slope = seen(studio.in_tiles(tile), job, start)
    assert tiled_loss == pytest.approx(loss, rel=rtol)
    assert tiled == pytest.approx(parts, rel=rtol, abs=1e-12)
    apart = np.abs(np.asarray(slope) - gradient)
    assert apart.max() < 10 * rtol * np.abs(gradient).max()
    assert np.linalg.norm(apart) < rtol * np.linalg.norm(gradient)


def sized(**options):
    """Options of pictures that are as large as they are."""
    return dataclasses.replace(SHALLOW, size=max(SHAPE), **options)


def job_of(options, shape=SHAPE, **masks):
    paintings = [picture(2, 81, 77), picture(3, 60, 95)]
    several = bool(masks) and "keep_mask" not in masks
    styles = paintings[: 2 if several else 1]
    return divided_job(picture(1, *shape), styles, options, **masks)


def test_gram_and_shares_with_odd_sides(tiny_network):
    assert_tiles_are_the_whole(tiny_network, job_of(sized(content_loss="share")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"gram": "caffe", "content_loss": "half_sum", "border": "reflect"},
        {"gram": "normalized", "tv": "nine_point", "edge_weight": 9.0},
    ],
    ids=["caffe", "normalized"],
)
def test_other_terms_and_borders(tiny_network, options):
    assert_tiles_are_the_whole(tiny_network, job_of(sized(**options)))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["w2", "w2_iterated"])
def test_transport_to_what_rounding_leaves_of_roots(tiny_network, loss):
    """Roots of covariances amplify rounding: of float32 these losses hold less."""
    options = sized(style_loss=loss, style_weight=1.0, content_loss="share")
    assert_tiles_are_the_whole(tiny_network, job_of(options), rtol=2e-3)


@pytest.mark.slow
def test_masks(tiny_network):
    left = halves(*SHAPE, 0.3)
    assert_tiles_are_the_whole(
        tiny_network, job_of(sized(mask_feather=5.0), masks=[left, 1 - left])
    )
    assert_tiles_are_the_whole(tiny_network, job_of(sized(), keep_mask=left))


@pytest.mark.slow
def test_deep_taps_see_far(tiny_network):
    deep = classic(size=330, content_taps=("relu4_2",), tv_weight=0.0)
    assert_tiles_are_the_whole(
        tiny_network, job_of(deep, (330, 250)), tile=64, rtol=5e-5
    )


@pytest.mark.slow
def test_strides_ceil_mode_and_branches():
    """Of pictures whose last windows reach over their edges."""
    architecture = narrow(architectures.find("googlenet"))
    network = built(
        architecture, random_weights(architecture, np.random.default_rng(0))
    )
    taps = architecture.trunk
    shallow, deep = taps[2], taps[len(taps) // 2]
    options = classic(
        size=301, content_taps=(deep,), style_taps=(shallow, deep), tv_weight=0.0
    )
    assert_tiles_are_the_whole(network, job_of(options, (301, 233)), tile=48, rtol=5e-5)


@pytest.mark.slow
def test_lanes_of_several_shapes_in_one_frame(tiny_network):
    """One of which ends within a tile."""
    options = sized(mask_feather=0.0)
    jobs = [job_of(options, shape) for shape in (SHAPE, (73, 90))]
    sources = {one.key: one.shape() for job in jobs for one in job.sources}
    pictures = Pictures(jobs, sources)
    lanes = [pictures.opened(pictures.lane(job, max(SHAPE))) for job in jobs]
    assert lanes[1].content.extent != lanes[1].content.frame == SHAPE
    starts = jnp.asarray([picture(7, *SHAPE), pad(picture(8, 73, 90), SHAPE)])

    def found(studio):
        problem = studio.pose(lanes)

        def summed(images):
            totals, _ = studio.objective(images, problem)
            return totals.sum(), totals

        return jax.jit(jax.grad(summed, has_aux=True))(starts)

    studio = Studio(tiny_network, options)
    (gradient, totals), (slope, tiled) = found(studio), found(studio.in_tiles(TILE))
    np.testing.assert_allclose(tiled, totals, rtol=1e-5)
    for of_tiles, of_whole in zip(slope, gradient, strict=True):
        apart = np.abs(of_tiles - of_whole)
        assert apart.max() < 1e-4 * np.abs(of_whole).max()
    assert not np.asarray(slope[1, 73:]).any()


def test_what_needs_the_whole_picture_says_so(tiny_network):
    studio = Studio(tiny_network, sized(style_loss="sliced"))
    with pytest.raises(OptionsError, match=r"tile=32: style/relu1_1 needs the whole"):
        studio.in_tiles(32)
    assert studio.in_tiles(0).tile == 0
