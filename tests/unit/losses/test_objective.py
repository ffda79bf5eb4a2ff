"""The objective: its terms, weights, targets and gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.gram import GRAM_SCALES
from nst_jax.losses.objective import (
    StyleObjective,
    Targets,
    Weights,
    blend,
)
from nst_jax.networks import extract

CONTENT_TAPS, STYLE_TAPS = ("half", "mixed"), ("mixed", "bent")


def features(image):
    """Smooth features of a picture, in place of a network's."""
    return {
        "half": image[::2, ::2],
        "mixed": jnp.concatenate([image, image[..., ::-1] ** 2], axis=-1),
        "bent": jnp.sin(3 * image),
    }


def evaluate(objective: StyleObjective, image, targets: Targets, weights: Weights):
    return objective(features(image), image, targets, weights)


def picture(seed: int, height: int = 5, width: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3))


def targets_of(objective: StyleObjective, content, style) -> Targets:
    return Targets(
        objective.content_targets(features(jnp.asarray(content))),
        objective.style_targets(features(jnp.asarray(style))),
    )


WEIGHTS = Weights(
    content={"half": 2.0, "mixed": 3.0},
    style={"mixed": 5.0, "bent": 7.0},
    total_variation=11.0,
)


def gram(values) -> np.ndarray:
    flat = np.float64(values).reshape(-1, values.shape[-1])
    return flat.T @ flat / flat.shape[0]


@pytest.mark.parametrize(
    ("scale", "by_channel", "reduce"),
    [
        ("hw", False, np.mean),
        ("chw", True, np.mean),
        ("paper", False, lambda squared: np.mean(squared) / 4),
        ("caffe", False, lambda squared: np.mean(squared) / 4),
        ("article", False, lambda squared: np.sum(squared) / 4),
    ],
)
@pytest.mark.parametrize("norm", ["l1", "l2_sum"])
def test_every_term_in_numpy(scale, by_channel, reduce, norm):
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS, scale, norm)
    image, content, style = picture(0), picture(1), picture(2, 4, 9)
    targets = targets_of(objective, np.float32(content), np.float32(style))
    run = jax.jit(lambda x: evaluate(objective, x, targets, WEIGHTS))
    total, terms = run(jnp.float32(image))

    def view(pixels, tap):
        return np.float64(features(jnp.float32(pixels))[tap])

    expected = {}
    for tap in CONTENT_TAPS:
        difference = view(image, tap) - view(content, tap)
        expected[f"content/{tap}"] = WEIGHTS.content[tap] * np.mean(difference**2)
    for tap in STYLE_TAPS:
        channels = view(image, tap).shape[-1] if by_channel else 1
        difference = (gram(view(image, tap)) - gram(view(style, tap))) / channels
        loss = reduce(difference**2)
        expected[f"style/{tap}"] = WEIGHTS.style[tap] * loss
    across, down = np.diff(image, axis=1), np.diff(image, axis=0)
    expected["total_variation"] = 11 * (
        np.mean(np.abs(across)) + np.mean(np.abs(down))
        if norm == "l1"
        else np.sum(across**2) + np.sum(down**2)
    )
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert value > 1e-4
        assert terms[name] == pytest.approx(value, rel=1e-4), name
    assert total == pytest.approx(sum(expected.values()), rel=1e-5)
    assert total.dtype == jnp.float32


def test_defaults_are_those_of_the_options():
    objective = StyleObjective((), ())
    assert (objective.gram, objective.tv) == ("chw", "l2")


def test_each_kind_reads_its_own_taps_only():
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS)
    assert objective.taps == ("half", "mixed", "bent")  # Each once.
    image = jnp.float32(picture(0))

    def seen(taps):
        return {tap: features(image)[tap] for tap in taps}

    content = objective.content_targets(seen(CONTENT_TAPS))
    style = objective.style_targets(seen(STYLE_TAPS))
    assert {tap: f.shape for tap, f in content.items()} == {
        "half": (3, 3, 3),
        "mixed": (5, 6, 6),
    }
    assert {tap: g.shape for tap, g in style.items()} == {
        "mixed": (6, 6),
        "bent": (3, 3),
    }
    assert objective.content_targets(features(image)).keys() == content.keys()
    assert objective.style_targets(features(image)).keys() == style.keys()
    targets = Targets(content, style)
    total, _ = objective(seen(objective.taps), image, targets, WEIGHTS)
    expected, _ = evaluate(objective, image, targets, WEIGHTS)
    assert total == expected


def test_a_picture_is_at_its_own_targets():
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS)
    image = jnp.float32(picture(0))
    weights = Weights(WEIGHTS.content, WEIGHTS.style, total_variation=0.0)
    targets = targets_of(objective, image, image)
    total, terms = evaluate(objective, image, targets, weights)
    assert total == 0
    assert len(terms) == 5


def test_each_weight_scales_its_own_term_and_compiles_nothing_again():
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS)
    image = jnp.float32(picture(0))
    targets = targets_of(objective, picture(1), picture(2))
    traces = []

    @jax.jit
    def terms_of(weights):
        traces.append(1)
        return evaluate(objective, image, targets, weights)[1]

    ones = jax.tree.map(lambda _: 1.0, WEIGHTS)
    unweighted, weighted = terms_of(ones), terms_of(WEIGHTS)
    ratios = {name: float(weighted[name] / unweighted[name]) for name in weighted}
    assert ratios == pytest.approx(
        {
            "content/half": 2,
            "content/mixed": 3,
            "style/mixed": 5,
            "style/bent": 7,
            "total_variation": 11,
        },
        rel=1e-6,
    )
    assert len(traces) == 1


def test_content_or_style_alone():
    image = jnp.float32(picture(0))
    for taps, name in [((("half",), ()), "content"), (((), ("bent",)), "style")]:
        objective = StyleObjective(*taps)
        targets = targets_of(objective, picture(1), picture(2))
        total, terms = evaluate(objective, image, targets, WEIGHTS)
        assert [term.split("/")[0] for term in terms] == [name, "total_variation"]
        assert total == pytest.approx(float(sum(terms.values())), rel=1e-6)


def test_gradient():
    with jax.enable_x64(True):
        objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS)
        targets = targets_of(objective, picture(1), picture(2))
        image, direction = picture(0), picture(3) - 0.5

        @jax.jit
        def loss(pixels):
            return evaluate(objective, pixels, targets, WEIGHTS)[0]

        gradient = jax.jit(jax.grad(loss))(jnp.asarray(image))
        step = 1e-5
        slope = (loss(image + step * direction) - loss(image - step * direction)) / (
            2 * step
        )
        assert np.vdot(gradient, direction) == pytest.approx(float(slope), rel=1e-6)


def test_vmap_is_a_loop():
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS)
    targets = targets_of(objective, np.float32(picture(1)), np.float32(picture(2)))

    @jax.jit
    def value_and_gradient(image):
        return jax.value_and_grad(
            lambda x: evaluate(objective, x, targets, WEIGHTS), has_aux=True
        )(image)

    lanes = np.float32([picture(seed) for seed in (3, 4, 5)])
    (totals, terms), gradients = jax.jit(jax.vmap(value_and_gradient))(lanes)
    looped = [value_and_gradient(lane) for lane in lanes]
    np.testing.assert_allclose(totals, [total for (total, _), _ in looped], rtol=1e-5)
    for name, values in terms.items():
        expected = [terms[name] for (_, terms), _ in looped]
        np.testing.assert_allclose(values, expected, rtol=1e-4)
    np.testing.assert_allclose(
        gradients, [gradient for _, gradient in looped], rtol=1e-4, atol=1e-5
    )


def test_through_a_network(tiny_network, photo, painting):
    objective = StyleObjective(("relu2_1", "conv1_2"), ("relu1_1", "relu2_1"), "hw")
    see = jax.jit(extract.extract, static_argnums=2)
    seen, wanted = (
        {
            tap: found[0]
            for tap, found in extract(
                tiny_network, jnp.asarray(image)[None], objective.taps
            ).items()
        }
        for image in (photo, painting)
    )
    targets = Targets(objective.content_targets(seen), objective.style_targets(wanted))
    weights = Weights(
        dict.fromkeys(objective.content_taps, 1.0),
        dict.fromkeys(objective.style_taps, 1.0),
        total_variation=0.0,
    )
    total, terms = objective(seen, jnp.asarray(photo), targets, weights)
    assert terms["content/relu2_1"] == terms["content/conv1_2"] == 0
    expected = sum(
        np.mean((gram(seen[tap]) - gram(wanted[tap])) ** 2)
        for tap in objective.style_taps
    )
    assert total == pytest.approx(expected, rel=1e-4)


# Padding.


def pad(array, below: int, right: int):
    return jnp.pad(array, ((0, below), (0, right), (0, 0)))


def filled_share(alone, padded) -> float:
    return alone.shape[0] * alone.shape[1] / (padded.shape[0] * padded.shape[1])


@pytest.mark.parametrize("scale", GRAM_SCALES)
@pytest.mark.parametrize("norm", ["l1", "l2", "l1_sum", "l2_sum"])
def test_a_padded_picture_has_the_losses_it_has_alone(scale, norm):
    objective = StyleObjective(CONTENT_TAPS, STYLE_TAPS, scale, norm)
    image = jnp.float32(picture(0))
    targets = targets_of(objective, np.float32(picture(1)), np.float32(picture(2)))

    # The margins of the taps are no multiples of each other: the shares differ.
    margins = {"half": (1, 2), "mixed": (2, 3), "bent": (5, 1)}
    activations = features(image)
    padded = {tap: pad(f, *margins[tap]) for tap, f in activations.items()}
    filled = {tap: filled_share(f, padded[tap]) for tap, f in activations.items()}
    assert len(set(filled.values())) == 3
    content = {tap: pad(t, *margins[tap]) for tap, t in targets.content.items()}
    style, weights = objective.padded(targets.style, WEIGHTS, filled)

    @jax.jit
    def alone(activations, image):
        return objective(activations, image, targets, WEIGHTS)

    @jax.jit
    def in_frame(activations, image):
        corrected = Targets(content, style)
        return objective(
            activations, image, corrected, weights, jnp.array([5, 6], jnp.int32)
        )

    both = {"argnums": (0, 1), "has_aux": True}
    (total, terms), slopes = jax.value_and_grad(alone, **both)(activations, image)
    (found, found_terms), found_slopes = jax.value_and_grad(in_frame, **both)(
        padded, pad(image, 3, 2)
    )
    assert found == pytest.approx(float(total), rel=1e-5)
    assert found_terms.keys() == terms.keys()
    for name, term in terms.items():
        assert term > 1e-4
        assert found_terms[name] == pytest.approx(float(term), rel=1e-5), name
    for slope, expected in zip(
        jax.tree.leaves(found_slopes), jax.tree.leaves(slopes), strict=True
    ):
        height, width, _ = expected.shape
        np.testing.assert_allclose(
            slope[:height, :width], expected, rtol=1e-4, atol=1e-6
        )
    variation = found_slopes[1]
    assert not np.any(variation[5:])
    assert not np.any(variation[:, 6:])


def test_padding_matters_without_the_corrections():
    """What the test above would see, were `padded` or `extent` left out."""
    objective = StyleObjective(("bent",), ("bent",))
    weights = Weights({"bent": 2.0}, {"bent": 3.0}, total_variation=5.0)
    image = jnp.float32(picture(0))
    targets = targets_of(objective, np.float32(picture(1)), np.float32(picture(2)))
    _, terms = evaluate(objective, image, targets, weights)
    padded = {"bent": pad(features(image)["bent"], 3, 2)}
    content = {"bent": pad(targets.content["bent"], 3, 2)}
    _, found = objective(
        padded, pad(image, 3, 2), Targets(content, targets.style), weights
    )
    for name, term in terms.items():
        assert abs(float(found[name] / term) - 1) > 0.1, name


@pytest.mark.parametrize(
    ("content_loss", "content"), [("mean", 12.0), ("half_sum", 6.0)]
)
def test_padded_by_hand(content_loss, content):
    objective = StyleObjective(("a",), ("a", "b"), content_loss=content_loss)
    weights = Weights({"a": 6.0}, {"a": 8.0, "b": 3.0}, total_variation=5.0)
    style = {"a": jnp.array([[4.0]]), "b": jnp.array([[7.0]])}
    targets, corrected = objective.padded(style, weights, {"a": 0.5, "b": 1.0})
    assert targets == {"a": jnp.array([[2.0]]), "b": jnp.array([[7.0]])}
    assert corrected == Weights({"a": content}, {"a": 32.0, "b": 3.0}, 5.0)


def test_a_larger_painting_asks_for_more_by_the_formula_of_the_caffe_system_only():
    style, larger = {"a": jnp.array([[4.0]])}, {"a": 1.5}
    for scale in GRAM_SCALES:
        (target,) = StyleObjective((), ("a",), scale).sized(style, larger).values()
        assert target == (6 if scale == "caffe" else 4), scale


# Ranges and sums.


def test_white_of_the_total_variation():
    image = jnp.float32(picture(0))
    targets = Targets({}, {"mixed": jnp.zeros((6, 6))})
    weights = Weights({}, {"mixed": 0.0}, total_variation=1.0)
    for norm, power in (("l1", 1), ("l2_sum", 2)):
        totals = [
            evaluate(
                StyleObjective((), ("mixed",), tv=norm, tv_range=white),
                *(image, targets, weights),
            )[0]
            for white in (1, 255)
        ]
        assert totals[1] == pytest.approx(255**power * float(totals[0]), rel=1e-5)


def test_half_the_sum_of_the_content_loss():
    image, content = picture(0), picture(1)
    weights = Weights({"half": 3.0}, {}, total_variation=0.0)
    objective = StyleObjective(("half",), (), content_loss="half_sum")
    targets = targets_of(objective, np.float32(content), np.float32(content))
    total, _ = evaluate(objective, jnp.float32(image), targets, weights)
    difference = image[::2, ::2] - content[::2, ::2]
    assert total == pytest.approx(1.5 * np.sum(difference**2), rel=1e-5)


# Several paintings.


def test_blend_by_hand():
    paintings = [{"a": jnp.array([[4.0]])}, {"a": jnp.array([[8.0]])}]
    assert blend(paintings, (3, 1)) == {"a": jnp.array([[5.0]])}
    assert blend(paintings, (1.0, 1.0)) == {"a": jnp.array([[6.0]])}
    assert blend(paintings, (0.0, 0.5)) == {"a": jnp.array([[8.0]])}


def test_blend_of_several_taps():
    paintings = [
        {"a": jnp.ones((2, 2)) * k, "b": jnp.ones((3, 3)) * k**2} for k in (1, 2, 3)
    ]
    blended = blend(paintings, (1, 2, 1))
    np.testing.assert_allclose(blended["a"], np.full((2, 2), 2.0))
    np.testing.assert_allclose(blended["b"], np.full((3, 3), (1 + 8 + 9) / 4))


def test_blend_needs_a_share_for_each():
    with pytest.raises(ValueError, match=r"zip\(\) argument 2"):
        blend([{"a": jnp.ones((1, 1))}] * 2, (1.0,))
