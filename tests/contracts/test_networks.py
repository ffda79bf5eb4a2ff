"""What holds for every network: a new one is tested by being in `NETWORKS`.

They are few channels wide, in full depth. By default programs are compiled up to the
first tap by which every kind of layer has been seen, and only of networks that have
kinds of their own; the slow tests do the rest.
"""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.compilations import compilations
from support.layer_references import window_count
from support.plain_networks import activations
from support.tiny import built, narrow, random_weights

from nst_jax.losses.view import View
from nst_jax.networks import extract
from nst_jax.networks.network import Network
from weights_convert.architectures import (
    NETWORKS,
    Architecture,
    Concatenation,
    Convolution,
    Pooling,
)

# Of networks with the same layers, the first stands for all.
_FIRST = {known.layers: name for name, known in reversed(NETWORKS.items())}
NAMES = [name for name, known in NETWORKS.items() if _FIRST[known.layers] == name]

# Odd and even; the second fills its frame's height.
FRAME = (90, 99)
EXTENTS = [(71, 94), (90, 67)]


@functools.cache
def known(name: str) -> tuple[Architecture, dict[str, np.ndarray]]:
    architecture = narrow(NETWORKS[name])
    return architecture, random_weights(architecture, np.random.default_rng(5))


def build(name: str, pooling: str = "max"):
    return built(*known(name), pooling=pooling)


def kinds(layers) -> set[tuple]:
    """What layers do, whatever their sizes, ahead of the first pooling and after."""
    found, pooled = set(), False
    for layer in layers:
        how = (type(layer), pooled)
        if isinstance(layer, Convolution):
            how += (layer.stride > 1, layer.padding > 0, layer.groups > 1)
        if isinstance(layer, Pooling):
            pooled, how = True, (Pooling,)
        found.add(how)
    return found


def by_kind():
    """The names; slow are those whose kinds of layers are all in others before, and
    those that compile for long."""
    seen = set()
    for name in sorted(NAMES, key=lambda name: -len(kinds(NETWORKS[name].layers))):
        own = kinds(NETWORKS[name].layers)
        slow = own <= seen or name in ("googlenet", "caffenet")
        yield pytest.param(name, marks=pytest.mark.slow) if slow else name
        seen |= own


BY_KIND = list(by_kind())
DEPTHS = ["first", pytest.param("last", marks=pytest.mark.slow)]


def trunk(name: str, depth: str) -> tuple[str, ...]:
    """The taps outside of branches, up to the first that has seen all, or the last."""
    architecture, _ = known(name)
    taps = architecture.trunk
    if depth == "last":
        return taps
    seen_all = kinds(architecture.layers)
    return next(
        taps[:count]
        for count, tap in enumerate(taps, 1)
        if kinds(architecture.leading_to([tap])) == seen_all
    )


@functools.partial(jax.jit, static_argnums=0)
def look(see, network, images, cotangents, extents=None):
    """What `see` gives at the taps of `cotangents`, and the images' gradient."""

    def features(images):
        found = see(network, images, tuple(cotangents), extents)
        return {tap: view.features for tap, view in found.items()}, found

    _, pull_back, views = jax.vjp(features, images, has_aux=True)
    return views, pull_back(cotangents)[0]


def shapes(network, images, taps) -> dict[str, tuple[int, ...]]:
    found = jax.eval_shape(lambda x: network(x, taps), images)
    return {tap: view.features.shape for tap, view in found.items()}


def normal(rng, shape) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32) / np.prod(shape)


def error(found, expected) -> float:
    norm = np.linalg.norm(expected)
    return np.linalg.norm(found - expected) / max(norm, 1e-6)


# Shapes by arithmetic.


def arithmetic(architecture, size, pooling) -> dict[str, tuple[int, int, int]]:
    """Height, width and channels of every tap."""
    found = {"": (*size, 3)}
    for layer in architecture.layers:
        seen = [found[bottom] for bottom in architecture.bottoms[layer.name]]
        height, width, channels = seen[0]
        match layer:
            case Convolution():
                steps = (layer.stride, layer.padding, False)
                height = window_count(height, layer.height, *steps)
                width = window_count(width, layer.width, *steps)
                channels = layer.outputs
            case Pooling():
                ceil = layer.ceil or pooling.endswith("_ceil")
                how = (layer.size, layer.stride, layer.padding, ceil)
                height, width = window_count(height, *how), window_count(width, *how)
            case Concatenation():
                assert len({shape[:2] for shape in seen}) == 1
                channels = sum(shape[2] for shape in seen)
        found[layer.name] = height, width, channels
    return found


@pytest.mark.parametrize(
    "pooling", ["max", pytest.param("avg_ceil", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", NAMES)
def test_every_tap_has_the_shape_of_arithmetic(name, pooling):
    architecture, _ = known(name)
    for size in ((71, 94), (13, 30)):
        expected = arithmetic(architecture, size, pooling)
        images = jnp.zeros((2, *size, 3))
        found = shapes(build(name, pooling), images, architecture.taps)
        for tap in architecture.taps:
            assert found[tap] == (2, *expected[tap]), tap


# Only what is asked for.


def below(architecture, tap) -> set[str]:
    """A tap and all that it sees."""
    seen, ahead = set(), [tap]
    while ahead:
        name = ahead.pop()
        if name and name not in seen:
            seen.add(name)
            ahead += architecture.bottoms[name]
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_computed_that_no_tap_sees(name):
    architecture, _ = known(name)
    network = build(name)
    images = jnp.zeros((1, *FRAME, 3))
    taps = architecture.taps
    for asked in ((), taps[:1], taps[4:5], taps[11:10:-1], (taps[0], taps[-1])):
        program = jax.make_jaxpr(lambda n, x, asked=asked: n(x, asked))
        wanted = set().union(*(below(architecture, tap) for tap in asked))
        # Groups are convolved one by one.
        expected = sum(x.groups for x in architecture.convolutions if x.name in wanted)
        text = str(program(network, images))
        assert text.count("conv_general_dilated[") == expected, asked


# Values and gradients.


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", BY_KIND)
def test_values_and_gradients_are_those_of_xlas_own_layers(name, depth):
    architecture, weights = known(name)
    rng = np.random.default_rng(1)
    images = rng.random((1, *EXTENTS[0], 3), np.float32)
    taps = trunk(name, depth)
    cotangents = {
        tap: normal(rng, shape)
        for tap, shape in shapes(build(name), images, taps).items()
    }

    def plain(weights, images, taps, extents):
        found = activations(architecture, "max", weights, images, taps)
        return {tap: View.of(features) for tap, features in found.items()}

    found, gradient = look(Network.__call__, build(name), images, cotangents)
    expected, own_gradient = look(plain, weights, images, cotangents)
    assert np.linalg.norm(own_gradient) > 1e-3
    assert error(gradient, own_gradient) < 1e-4
    for tap in taps:
        assert error(found[tap].features, expected[tap].features) < 1e-5, tap
        assert found[tap].weight is None
        assert found[tap].count == np.prod(found[tap].features.shape[1:3])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", BY_KIND)
def test_a_padded_picture_is_seen_as_if_alone(name, depth):
    rng = np.random.default_rng(2)
    network, taps = build(name), trunk(name, depth)
    # Noise around it must not be seen.
    images = rng.random((len(EXTENTS), *FRAME, 3), np.float32)
    cotangents = {
        tap: normal(rng, shape) for tap, shape in shapes(network, images, taps).items()
    }
    extents = jnp.array(EXTENTS, jnp.int32)
    found, gradient = look(Network.__call__, network, images, cotangents, extents)
    sizes = [arithmetic(network.architecture, size, "max") for size in EXTENTS]
    for tap, view in found.items():
        for lane, (height, width, _) in enumerate(size[tap] for size in sizes):
            inside = np.zeros(view.weight.shape[1:])
            inside[:height, :width] = 1
            np.testing.assert_array_equal(view.weight[lane], inside)
            assert view.count[lane] == height * width
            assert not np.any(view.features[lane] * (1 - inside)[..., None])
    height, width = EXTENTS[0]
    alone, own_gradient = look(
        Network.__call__,
        network,
        images[:1, :height, :width],
        {
            tap: cotangents[tap][:1, : sizes[0][tap][0], : sizes[0][tap][1]]
            for tap in taps
        },
    )
    for tap, view in alone.items():
        _, down, across, _ = view.features.shape
        seen = found[tap].features[:1, :down, :across]
        assert error(seen, view.features) < 1e-5, tap
    assert error(gradient[:1, :height, :width], own_gradient) < 1e-4
    assert not np.any(gradient[0, height:])
    assert not np.any(gradient[0, :, width:])


@pytest.mark.parametrize("name", BY_KIND)
def test_prepared_is_unprepared(name):
    """Wide enough for Winograd's method, up to the first layer that has it."""
    architecture = narrow(NETWORKS[name], least=64)
    weights = random_weights(architecture, np.random.default_rng(3))
    network = extract.build(architecture, weights)
    prepared = extract.prepare(network, architecture.taps)
    tap = next(
        tap
        for tap in architecture.trunk
        if any(
            prepared.convolutions[name].transformed is not None
            for name in below(architecture, tap) & {*prepared.convolutions}
        )
    )
    images = np.random.default_rng(4).random((1, 150, 167, 3), np.float32)
    see = jax.jit(Network.__call__, static_argnums=2)
    expected = see(network, images, (tap,))[tap].features
    found = see(prepared, images, (tap,))[tap].features
    assert not np.array_equal(found, expected)
    assert error(found, expected) < 1e-5


# Programs.


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", BY_KIND)
def test_gradients_in_a_loop_compile_to_fast_convolutions(name, depth):
    """XLA:CPU runs only kernels in `01io` layout in parallel (jax#12868)."""
    tap = trunk(name, depth)[-1]

    def loss(image, network):
        return jnp.sum(network(image[None], [tap])[tap].features)

    def descend(image, network):
        gradient = jax.grad(loss)
        return lax.fori_loop(0, 3, lambda _, x: x - gradient(x, network), image)

    image = jnp.zeros((*EXTENTS[0], 3))
    program = jax.jit(descend).lower(image, build(name)).compile().as_text()
    layouts = re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)
    assert set(layouts) == {"01io"}
    assert "feature_group_count" not in program
    assert " select-and-scatter(" not in program
    assert " scatter(" not in program


@pytest.mark.parametrize("name", BY_KIND)
def test_other_weights_and_extents_compile_nothing(name):
    architecture, weights = known(name)
    tap = trunk(name, "first")[2]
    see = jax.jit(Network.__call__, static_argnums=2)
    images = np.random.default_rng(6).random((2, *FRAME, 3), np.float32)
    others = random_weights(architecture, np.random.default_rng(7))
    networks = [extract.build(architecture, each) for each in (weights, others)]
    extents = [jnp.array(each, jnp.int32) for each in (EXTENTS, EXTENTS[::-1])]
    with compilations() as compiled:
        views = [see(networks[0], images, (tap,), extents[0])[tap]]
        assert len(compiled) == 1
        views += [see(networks[1], images, (tap,), each)[tap] for each in extents]
        assert len(compiled) == 1
    assert extract.digest_of(networks[0]) != extract.digest_of(networks[1])
    first, second, third = (np.asarray(view.features) for view in views)
    assert not np.allclose(first, second)
    assert not np.allclose(second, third)
