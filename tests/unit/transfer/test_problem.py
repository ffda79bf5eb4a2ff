"""From lanes to problems: the losses that a lane has alone, whatever is around it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import PAINTINGS, PHOTOS, picture
from support.classic import classic
from support.posing import pose

from nst_jax.perceptual.parts import losses
from nst_jax.transfer.lanes import Framed, Lane, lane_of
from nst_jax.transfer.problem import Studio

OPTIONS = classic(
    content_taps=("relu2_1",), style_taps=("relu1_1", "relu2_2"), tv_weight=2.0
)

SAMPLED = {
    **{"style_loss": "sliced", "content_loss": "self_similarity"},
    **{"edge_weight": 9.0, "edge_pools": (2,)},
}
"""Losses of positions that are drawn, of pictures that have more at their first tap."""


def values(objective, problem, images):
    """Totals, parts, and each total's gradient."""

    def summed(images):
        totals, parts = objective(images, problem)
        return jnp.sum(totals), (totals, parts)

    (_, found), gradient = jax.jit(jax.value_and_grad(summed, has_aux=True))(images)
    return (*found, gradient)


def framed(image, frame):
    """An image in a frame, the rest of which is another lane's."""
    whole = Framed.of(image)
    return dataclasses.replace(whole, frame=frame, masked=True)


@pytest.mark.parametrize(
    "change",
    [
        # Through the engine `tests/contracts/test_solvers.py` has it.
        pytest.param({}, marks=pytest.mark.slow),
        pytest.param({"gram": "caffe"}, marks=pytest.mark.slow),
        pytest.param(
            {"content_loss": "half_sum", "tv": "l2_inner_sum"}, marks=pytest.mark.slow
        ),
        pytest.param(SAMPLED, marks=pytest.mark.slow),
        pytest.param(
            {"style_loss": "remd", "gram": "normalized"}, marks=pytest.mark.slow
        ),
    ],
    ids=["default", "caffe", "sums", "sampled", "remd"],
)
def test_padded_lanes_have_the_losses_they_have_alone(tiny_network, change):
    options = dataclasses.replace(OPTIONS, **change)
    shapes, frame = [(40, 26), (31, 44)], (40, 44)
    # One that is whole stands for what is the same in all: a program for each shape.
    shapes += [] if change else [frame]
    photos = [picture(i, *shape) for i, shape in enumerate(shapes)]
    paintings = [picture(9, 30, 41), picture(8, 37, 22), picture(7, 41, 41)]
    starts = [picture(20 + i, *shape) for i, shape in enumerate(shapes)]
    studio, lanes, images = Studio(tiny_network, options), [], []
    for photo, painting, start in zip(photos, paintings, starts, strict=False):
        plain = lane_of(photo, [painting], options)
        content, style = framed(photo, frame), framed(painting, (41, 41))
        lanes.append(Lane(plain.job, content, (style,)))
        images.append(framed(start, frame).pixels)
    problem = studio.pose(lanes)
    totals, parts, gradients = values(studio.objective, problem, np.stack(images))
    for place, (photo, painting, start) in enumerate(
        zip(photos, paintings, starts, strict=False)
    ):
        alone = pose(photo, [painting], options, tiny_network)
        (total,), own, (gradient,) = values(*alone, start[None])
        assert totals[place] == pytest.approx(float(total), rel=1e-5)
        for name, (part,) in own.items():
            assert parts[name][place] == pytest.approx(float(part), rel=2e-5), name
        height, width, _ = start.shape
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(
            gradients[place, :height, :width], gradient, atol=2e-5 * scale
        )
        assert not np.any(gradients[place, height:])
        assert not np.any(gradients[place, :, width:])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        {},
        pytest.param({**SAMPLED, "style_loss": "remd"}, marks=pytest.mark.slow),
        pytest.param({**SAMPLED, "style_loss": "histogram"}, marks=pytest.mark.slow),
    ],
    ids=["default", "remd", "histogram"],
)
def test_shapes_are_those_of_what_is_posed(tiny_network, masked, share, change):
    options = dataclasses.replace(OPTIONS, style_blend=(1.0, 2.0), **change)
    photos = [PHOTOS[0]] * 2 if share else [PHOTOS[0], PHOTOS[0][::-1]]
    lanes = [lane_of(np.array(photo), PAINTINGS, options) for photo in photos]
    if masked:
        lanes = [
            dataclasses.replace(
                one, content=dataclasses.replace(one.content, masked=True)
            )
            for one in lanes
        ]
    studio = Studio(tiny_network, options)
    frame = PHOTOS[0].shape[:2]
    planned = studio.shapes(frame, 2, masked=masked, share=share)
    posed = studio.pose(lanes, share=share)
    assert jax.tree.structure(planned) == jax.tree.structure(posed)
    for one, other in zip(
        jax.tree.leaves(planned), jax.tree.leaves(posed), strict=True
    ):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
    assert bool(posed.shared) == share


def test_what_paintings_ask_for_is_blended_by_shares(tiny_network):
    """Of Gram matrices the style loss of a blend is that of the mixed target."""
    photo, image = PHOTOS[2], picture(30, 25, 33)

    def style(styles, **options):
        options = dataclasses.replace(
            OPTIONS, content_weight=0.0, tv_weight=0.0, **options
        )
        objective, problem = pose(photo, styles, options, tiny_network)
        return float(jax.jit(objective)(jnp.asarray(image)[None], problem)[0][0])

    first, second = (style([painting]) for painting in PAINTINGS)
    assert style(PAINTINGS, style_blend=(3.0, 0.0)) == pytest.approx(first, rel=1e-5)
    assert style(PAINTINGS, style_blend=(0.0, 1.0)) == pytest.approx(second, rel=1e-5)
    equal = style(PAINTINGS)
    assert equal == pytest.approx(style(PAINTINGS, style_blend=(2.0, 2.0)), rel=1e-6)
    assert abs(equal / first - 1) > 1e-3


def test_every_part_has_the_weight_of_its_tap(tiny_network):
    options = classic(
        content_taps=("relu1_1", "relu2_1"),
        style_taps=("relu1_1", "relu2_1"),
        content_tap_weights=(1.0, 0.0),
        style_tap_weights=(0.0, 3.0),
        tv_weight=2.0,
    )
    names = [part.name for part in losses(options).parts]
    assert names == [
        *("content/relu1_1", "content/relu2_1", "style/relu1_1", "style/relu2_1"),
        "total_variation",
    ]
    found = []
    for one in (
        options,
        dataclasses.replace(options, tv_weight=6.0, style_weight=10.0),
    ):
        objective, problem = pose(PHOTOS[2], PAINTINGS[:1], one, tiny_network)
        _, parts = jax.jit(objective)(jnp.asarray(picture(30, 25, 33))[None], problem)
        assert set(parts) == set(objective.names)
        found.append({name: float(part[0]) for name, part in parts.items()})
    before, after = found
    assert before["content/relu2_1"] == before["style/relu1_1"] == 0
    assert min(before["content/relu1_1"], before["style/relu2_1"]) > 0
    assert after["total_variation"] == pytest.approx(3 * before["total_variation"])
    assert after["style/relu2_1"] == pytest.approx(0.1 * before["style/relu2_1"])
    assert after["content/relu1_1"] == before["content/relu1_1"]


def test_the_gain_is_the_networks_not_the_total_variations(tiny_network):
    def parts(gain):
        options = dataclasses.replace(OPTIONS, input_gain=gain)
        objective, problem = pose(PHOTOS[2], PAINTINGS[:1], options, tiny_network)
        _, found = jax.jit(objective)(jnp.asarray(picture(30, 25, 33))[None], problem)
        return {name: float(part[0]) for name, part in found.items()}

    plain, gained = parts(1.0), parts(1.3)
    assert gained["total_variation"] == plain["total_variation"]
    assert gained["style/relu1_1"] != pytest.approx(plain["style/relu1_1"], rel=0.05)


def test_a_tap_that_sees_nothing_of_a_picture_is_found(tiny_network):
    options = dataclasses.replace(OPTIONS, style_taps=("relu3_1",))
    studio = Studio(tiny_network, options)
    assert studio.blind((3, 45)) == studio.blind((40, 2), "style") == "relu3_1"
    assert studio.blind((4, 45)) == studio.blind((40, 2), "content") == ""
