"""What every loss promises: it is tested by being a choice of `Options`."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.fields import named
from nst_jax.losses.content import Content
from nst_jax.losses.edges import Edges
from nst_jax.losses.histogram import Histogram
from nst_jax.losses.iterated import IteratedW2
from nst_jax.losses.neighbors import Neighbors
from nst_jax.losses.remd import RelaxedEMD
from nst_jax.losses.self_similarity import SelfSimilarity
from nst_jax.losses.sliced import Sliced
from nst_jax.losses.split_neighbors import SplitNeighbors
from nst_jax.losses.strotss import Strotss
from nst_jax.losses.total_variation import TotalVariation
from nst_jax.losses.view import View
from nst_jax.options import Options
from nst_jax.perceptual.parts import term

CHOICES = {f.name: f.metadata["choices"] for f in dataclasses.fields(Options)}
KINDS = (
    *(
        named(CHOICES[name], value)
        for name in ("content_loss", "style_loss")
        for value in CHOICES[name]
    ),
    TotalVariation,
)
PLACED = (Content, SelfSimilarity, Edges, Neighbors)
"""Those that compare what is in the same place."""
SLOW = (
    *(Histogram, Neighbors, RelaxedEMD, SelfSimilarity),
    *(Sliced, SplitNeighbors, Strotss),
)
"""Those of positions, drawn or matched: they compile for long."""


def variants(kind):
    """A term of this kind for every value of the options that set it.

    The first stands for all by default; their own tests have every value.
    """
    names = [f.name for f in dataclasses.fields(kind) if CHOICES[f.name]]
    quick = kind not in SLOW
    for values in itertools.product(*(CHOICES[name] for name in names)):
        made = term(kind, Options(**dict(zip(names, values, strict=True))))
        marks = () if quick else pytest.mark.slow
        yield pytest.param(made, id="-".join([kind.__name__, *values]), marks=marks)
        quick = False


TERMS = [
    *(made for kind in KINDS for made in variants(kind)),
    pytest.param(Edges(edge_pools=(1,)), id="Edges"),  # Of pictures this small.
]
every_term = pytest.mark.parametrize("loss", TERMS)
# The other one keeps a system's bias: `tests/parity/test_presets.py` restates it.
EXACT = [made for made in TERMS if not isinstance(made.values[0], IteratedW2)]
every_exact_term = pytest.mark.parametrize("loss", EXACT)


def features(seed, height=5, width=6, channels=4):
    """As after a ReLU, `[h, w, c]` in float64."""
    rng = np.random.default_rng(seed)
    return np.abs(rng.normal(0, 1, (height, width, channels)))


def view(values, weight=None, *, clean=False):
    """The view of a picture, or of the part that a weight `[h, w]` says."""
    values = jnp.asarray(values)
    count = values.shape[0] * values.shape[1] if weight is None else weight.sum()
    weight = None if weight is None else jnp.asarray(weight, jnp.float32)
    return View(values, weight, jnp.float32(count), clean)


of_term = functools.partial(jax.jit, static_argnums=0)


@of_term
def statistic(loss, seen):
    return loss.statistic(seen)


@of_term
def value(loss, seen, target):
    """The distance of a view from what others ask for."""
    return loss.distance(loss.statistic(seen), target)


@of_term
def value_and_slope(loss, seen, target):
    """The same, and its gradient by the features."""

    def at(values):
        return value(loss, dataclasses.replace(seen, features=values), target)

    return jax.value_and_grad(at)(seen.features)


def asked(loss, seen):
    """What a view asks for."""
    return loss.blend([statistic(loss, seen)], [1.0])


def target_of(loss, seed=9, **shape):
    """What a picture asks for; other than `features(0)` by its seed."""
    return asked(loss, view(features(seed, **shape)))


@every_exact_term
def test_zero_at_its_target(loss):
    seen = view(np.full((5, 6, 4), 0.5))  # Flat, for terms that have no target.
    # Not in one program, which may round a statistic otherwise than another does.
    assert loss.distance(statistic(loss, seen), asked(loss, seen)) == 0
    other = view(features(1))
    assert value(loss, other, asked(loss, seen)) > 0


@every_exact_term
def test_the_gradient_is_zero_at_the_target(loss):
    """To rounding, against that of a picture that differs by a tenth."""
    seen = features(3, 30, 30)
    target = asked(loss, view(seen))
    if target is None:
        return  # It has no target.

    def slope(values):
        return value_and_slope(loss, view(jnp.float32(values)), target)[1]

    # Brighter, and elsewhere: some terms look at directions alone.
    other = 1.1 * seen + 0.1 * features(4, 30, 30)
    there, near = (np.linalg.norm(slope(values)) for values in (seen, other))
    assert there < 1e-3 * near


@every_exact_term
def test_the_gradient_is_that_of_finite_differences(loss):
    with jax.enable_x64(True):
        target = target_of(loss)
        values, direction = features(0), features(2) - 0.7

        def at(values):
            return value_and_slope(loss, view(values), target)

        (more, _), (less, _) = (at(values + h * direction) for h in (1e-7, -1e-7))
        slope = (more - less) / 2e-7
        _, gradient = at(values)
        assert np.vdot(gradient, direction) == pytest.approx(float(slope), rel=1e-6)


def flat_ones():
    """Features of pictures without variance, or next to none, by name; `[30, 30, 4]`.

    Of the shape of another test, whose program they share.
    """
    nothing = np.zeros((30, 30, 4), np.float32)
    left, one, channel = nothing.copy(), nothing.copy(), nothing.copy()
    left[:, :15], one[3, 4], channel[..., 2] = 1, 1, np.eye(30)
    shades = np.float32(np.arange(4) / 4)
    return {
        "black": nothing,
        "white": nothing + 1,
        "one colour": nothing + shades,
        "two values": left,
        "two colours": left * shades,
        "one point": one,
        "one channel": channel,
        "next to nothing": nothing + np.float32(1e-20),
        "nearly flat": nothing + 1 + np.float32(1e-7) * left,
        "large": np.float32(1e4 * features(7, 30, 30)),
    }


_PAIRS = (
    *(("black", "large"), ("large", "black"), ("white", "one channel")),
    *(("two values", "one colour"), ("one point", "two colours")),
    *(("nearly flat", "nearly flat"), ("next to nothing", "next to nothing")),
)


@pytest.mark.parametrize(
    "loss", [t for t in TERMS if t.values[0].__class__ not in SLOW]
)
def test_flat_pictures_have_a_loss_and_a_slope(loss):
    """Numbers, where variances, norms and roots are 0.

    Of the others, whole runs are tried in `tests/unit/transfer/test_numbers.py`.
    """
    seen = {name: view(values) for name, values in flat_ones().items()}
    wrong = []
    for name, other in _PAIRS:
        found, slope = value_and_slope(loss, seen[name], asked(loss, seen[other]))
        if not (np.isfinite(found) and np.isfinite(slope).all()):
            wrong.append((name, other, float(found)))
    assert not wrong


def embedded(part, *, top, left, around):
    """A part in a larger array, and the weight that says where it is."""
    height, width, channels = part.shape
    whole = np.zeros((height + 4, width + 3, channels))
    if around is not None:
        whole = 7 * features(around, *whole.shape)
    weight = np.zeros(whole.shape[:2])
    area = slice(top, top + height), slice(left, left + width)
    whole[area], weight[area] = part, 1
    return whole, weight, area


@every_term
@pytest.mark.parametrize(
    ("top", "left", "around", "clean"),
    [(0, 0, None, True), (0, 0, None, False), (0, 0, 5, False), (2, 1, 5, False)],
    ids=["clean", "padded", "framed", "masked"],
)
def test_what_has_no_weight_has_no_part(loss, top, left, around, clean):
    """Padding and masks: loss and gradient are those of the part alone."""
    with jax.enable_x64(True):
        part = features(0)
        whole, weight, area = embedded(part, top=top, left=left, around=around)
        target = target_of(loss)
        if isinstance(loss, PLACED):
            other = around and around + 1
            wanted, _, _ = embedded(features(9), top=top, left=left, around=other)
            target_there = asked(loss, view(wanted, weight, clean=clean))
        else:
            target_there = target
        alone, slope = value_and_slope(loss, view(part), target)
        within, slopes = value_and_slope(
            loss, view(whole, weight, clean=clean), target_there
        )
        assert within == pytest.approx(float(alone), rel=1e-6)
        np.testing.assert_allclose(slopes[area], slope, rtol=1e-5, atol=1e-9)
        slopes = np.array(slopes)
        slopes[area] = 0
        assert not slopes.any()


@pytest.mark.parametrize("loss", [t for t in TERMS if t.values[0].additive])
def test_statistics_of_parts_add_up_to_that_of_the_whole(loss):
    whole = features(0)
    weight = np.random.default_rng(3).random(whole.shape[:2])
    parts = [(slice(0, 2), slice(0, 6)), (slice(2, 5), slice(0, 2))]
    parts += [(slice(2, 5), slice(2, 6))]
    statistics = [statistic(loss, view(whole[p], weight[p])) for p in parts]
    together = jax.tree.map(lambda *leaves: sum(leaves), *statistics)
    expected = statistic(loss, view(whole, weight))
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), together, expected
    )


@every_term
def test_a_blend_lies_between_its_targets(loss):
    one, two = (statistic(loss, view(features(seed))) for seed in (7, 8))
    if loss.blend([one], [1.0]) is None:
        return  # It has no target.
    seen = view(features(0))

    def distance(*shares):
        return float(value(loss, seen, loss.blend([one, two], shares)))

    first, second = (
        float(value(loss, seen, loss.blend([one], [1.0]))) for one in (one, two)
    )
    assert distance(1.0, 0.0) == pytest.approx(first, rel=1e-4)
    assert distance(0.0, 1.0) == pytest.approx(second, rel=1e-4)
    assert distance(0.3, 0.7) == pytest.approx(distance(0.3, 0.7))
    same = loss.blend([one, one], [0.25, 0.75])
    assert value(loss, seen, same) == pytest.approx(first, rel=1e-4)
    assert distance(0.5, 0.5) < max(first, second)


@every_term
def test_bfloat16_features_give_nearly_the_same_in_float32(loss):
    exact, target = features(0, 40, 41), target_of(loss, height=40, width=41)
    found = value(loss, view(jnp.asarray(exact, jnp.bfloat16)), target)
    assert found.dtype == jnp.float32
    assert found == pytest.approx(float(value(loss, view(exact), target)), rel=0.02)


@every_term
def test_lanes_are_losses_one_by_one(loss):
    lanes = np.float32([features(seed) for seed in (0, 1, 2)])
    target = jax.tree.map(jnp.float32, target_of(loss))
    together = jax.jit(jax.vmap(lambda x: value(loss, view(x), target)))(lanes)
    alone = [value(loss, view(lane), target) for lane in lanes]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@every_term
def test_equal_terms_are_one_static_argument(loss):
    assert dataclasses.replace(loss) == loss
    assert hash(dataclasses.replace(loss)) == hash(loss)
