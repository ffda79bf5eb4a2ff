"""Every style network: sizes kept, styles blended, transformed, as far as it says."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.style_networks import NETWORKS, arrays_of, vector_of

from nst_jax.errors import OptionsError
from nst_jax.feedforward.stylizer import BUILDERS, Stylizer
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.stylizers.architectures import PAINTERS
from weights_convert.stylizers.stylizer import Stylizer as Stored

ODD = (21, 18)


def test_every_kind_of_network_is_here():
    kinds = {type(architecture) for architecture in NETWORKS.values()}
    assert kinds == set(PAINTERS.values()) == BUILDERS.keys()


# The others take a program of their own each.
DEFAULT = ("conditional",)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one, marks=() if one in DEFAULT else pytest.mark.slow)
        for one in NETWORKS
    ],
)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def stylizer(name):
    architecture = NETWORKS[name]
    return Stylizer.of(Stored(architecture, arrays_of(architecture), "a test"), {})


@pytest.fixture(scope="module")
def paint(stylizer):
    """Two pictures at once, each in a style of its own; compiled once for a size."""
    known = vector_of(stylizer.network.architecture)
    run = jax.jit(lambda *given, strength: stylizer(*given, strength=strength))

    def paint(images, style=known, strength=1.0):
        if style is not None:
            style = np.broadcast_to(style, (len(images), np.shape(style)[-1]))
        return np.asarray(run(images, style, strength=strength))

    return paint


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((2, *ODD, 3), np.float32)


def test_pictures_come_out_as_they_went_in(paint, images):
    found = paint(images)
    assert (found.shape, found.dtype) == (images.shape, np.float32)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.std() > 1e-3
    # None sees another of its batch.
    np.testing.assert_allclose(paint(images[::-1])[::-1], found, atol=1e-5)


def test_shares_of_styles_blend(stylizer, paint, images):
    """Of a network's own styles, and of the vectors of two paintings."""
    architecture = stylizer.network.architecture
    if not architecture.takes:
        assert stylizer.vector(None) is None
        return
    first, second = np.eye(architecture.styles, dtype=np.float32)[:2]
    if architecture.takes == "vector":
        first, second = (vector_of(architecture, seed) for seed in (1, 2))
    half = paint(images, (first + second) / 2)
    ends = paint(images, first), paint(images, second)
    apart = np.abs(ends[0] - ends[1]).mean()
    assert apart > 1e-4
    assert max(np.abs(half - end).mean() for end in ends) < apart
    each = paint(images, np.stack([first, second]))
    np.testing.assert_allclose(each, [ends[0][0], ends[1][1]], atol=1e-5)
    if architecture.takes == "shares":
        np.testing.assert_array_equal(stylizer.vector("0,1"), (first + second) / 2)


def test_strength_is_from_the_photo_to_the_style(stylizer, paint, images):
    none, half, whole = (paint(images, strength=n) for n in (0.0, 0.5, 1.0))
    apart = np.abs(whole - none).mean()
    assert apart > 1e-4
    assert np.abs(half - none).mean() < apart
    assert np.abs(half - whole).mean() < apart
    if not stylizer.network.architecture.blends:
        np.testing.assert_allclose(none, images, atol=1e-6)
        np.testing.assert_allclose(half, (whole + images) / 2, atol=1e-5)


@pytest.mark.slow
def test_odd_sizes_are_reflected_up_and_cropped(stylizer, paint, images):
    if stylizer.network.architecture.multiple != 4:
        pytest.skip("rounds sizes up in pooling: see tests/parity")
    whole = np.pad(images, ((0, 0), (0, 3), (0, 2), (0, 0)), "reflect")
    np.testing.assert_allclose(paint(whole)[:, :21, :18], paint(images), atol=1e-5)


@pytest.mark.slow
def test_vmap_and_grad_go_through(name, stylizer, paint, images):
    if name not in ("lengstrom", "conditional", "adain", "microast"):
        pytest.skip("made of the same layers as these")
    style = vector_of(stylizer.network.architecture)

    def loss(network, image):
        one = dataclasses.replace(stylizer, network=network)
        painted = one(image, style)
        return jnp.square(painted).mean(), painted

    slope = jax.value_and_grad(loss, (0, 1), has_aux=True)
    run = jax.jit(jax.vmap(slope, (None, 0)))
    (_, painted), (of_network, of_images) = run(stylizer.network, images)
    np.testing.assert_allclose(painted, paint(images), atol=1e-4)
    for slopes in (*jax.tree.leaves(of_network), of_images):
        assert np.isfinite(slopes).all()
    assert np.abs(of_images).max() > 0


@pytest.mark.slow
def test_a_painting_gives_what_the_network_takes(stylizer, images):
    architecture = stylizer.network.architecture
    if stylizer.predictor is None:
        assert not architecture.blends
        return
    vector = jax.jit(stylizer.style_of)(images[0])
    assert vector.shape == (architecture.styles,)
    np.testing.assert_array_equal(stylizer.vector(vector), vector)


def _weighing(architecture):
    """Arrays by which every pixel within reach counts, and nothing is added."""
    return {
        key: 0 * array
        if "offset" in key or key.endswith("bias")
        else np.abs(array) + np.float32(0.01)
        for key, array in arrays_of(architecture).items()
    }


def test_reach_is_how_far_a_pixel_is_seen(name):
    architecture = NETWORKS[name]
    if "output" in vars(architecture):
        architecture = dataclasses.replace(architecture, output="linear")
    build = BUILDERS[type(architecture)]
    network, _ = build(architecture, _weighing(architecture), jnp.float32)
    styles = {"shares": [1], "vector": SIGNALS_OF.get(name, [1])}
    parts = np.float32(styles.get(architecture.takes, [0]))
    style = parts.repeat(architecture.styles // len(parts))
    multiple = architecture.multiple
    middle = (architecture.reach // multiple + 2) * multiple
    images = np.zeros((multiple, 16, 2 * middle, 3), np.float32)
    for place in range(multiple):
        images[place, :, middle + place] = 1

    @jax.jit
    def painted(images):
        given = jnp.tile(style, (multiple, 1)) if architecture.takes else None
        return network(images, given, statistics=_still)

    found = np.asarray(painted(images)).sum((1, 3))
    far = []
    for place, columns in enumerate(found):
        seen = np.flatnonzero(columns) - (middle + place)
        far.append(max(-seen.min(), seen.max()))
    assert max(far) == architecture.reach


# Of the vectors' parts those that don't add anything but what is there.
SIGNALS_OF = {"adain": [0, 1], "microast": [0, 1, 0, 1, 1, 1, 1, 1]}


def _still(_, found):
    """No statistics of the picture, which would see all of it."""
    return jnp.zeros_like(found[0]), jnp.ones_like(found[1])


def test_the_predictor_takes_paintings_of_its_size():
    architecture, predictor = NETWORKS["adaptive"], Predictor(size=32, outputs=5)
    ones = {key: np.ones(shape, "f4") for key, shape in predictor.shapes.items()}
    arrays = arrays_of(architecture)
    stored = Stored(architecture, arrays, "a test", "", predictor, ones)
    with pytest.raises(OptionsError, match=r"of 18 x 21 pixels.* takes 32 x 32"):
        Stylizer.of(stored, {}).style_of(np.zeros((21, 18, 3), np.float32))
