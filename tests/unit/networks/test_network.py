"""A network of every kind of layer against loops in float64, tap by tap."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from support.layer_references import convolve, local_response_norm, pool
from support.narrow_tables import narrow

import nst_jax
from nst_jax.networks import extract
from nst_jax.networks.network import POOLINGS, Network
from weights_convert import architectures, store

TABLE = architectures.Architecture(
    "branched",
    "branched",
    architectures.TORCHVISION,
    (
        architectures.Convolution("conv1", 3, 6, 5, 5, stride=2, padding=1),
        architectures.Relu("relu1"),
        architectures.Pooling("pool1", 3, 2),
        architectures.LocalResponseNorm("norm1", alpha=0.5, k=2.0),
        architectures.Convolution("one", 6, 3, 1, 1, padding=0),
        architectures.Convolution("two", 6, 4, 3, 3, groups=2, bottom="norm1"),
        architectures.Pooling("three", 3, 1, 1, bottom="norm1"),
        architectures.Concatenation("joined", ("one", "two", "three")),
        architectures.Pooling("pool2", 2, 2, ceil=True),
    ),
)
WEIGHTS = extract.random_weights(TABLE, np.random.default_rng(8))


def reference(image, mode: str) -> dict[str, np.ndarray]:
    kind, rounding = mode[:3], mode.endswith("_ceil")

    def layer(name, x, **how):
        return convolve(x, WEIGHTS[f"{name}/kernel"], WEIGHTS[f"{name}/bias"], **how)

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    found = {"conv1": layer("conv1", (image - mean) / std, stride=2, padding=1)}
    found["relu1"] = np.maximum(found["conv1"], 0)
    found["pool1"] = pool(found["relu1"], 3, 2, ceil=rounding, kind=kind)
    found["norm1"] = local_response_norm(found["pool1"], alpha=0.5, k=2.0)
    found["one"] = layer("one", found["norm1"])
    found["two"] = layer("two", found["norm1"], padding=1, groups=2)
    found["three"] = pool(found["norm1"], 3, 1, 1, rounding, kind=kind)
    found["joined"] = np.concatenate(
        [found["one"], found["two"], found["three"]], axis=-1
    )
    found["pool2"] = pool(found["joined"], 2, 2, ceil=True, kind=kind)
    return found


@pytest.mark.parametrize("mode", POOLINGS)
def test_every_tap(mode, photo):
    network = extract.build(TABLE, WEIGHTS, pooling=mode)
    found = jax.jit(extract.extract, static_argnums=2)(
        network, photo[None, :32, :43], TABLE.taps
    )
    expected = reference(photo[:32, :43], mode)
    assert found.keys() == expected.keys()
    for tap, value in expected.items():
        assert found[tap].shape == (1, *value.shape), tap
        error = np.linalg.norm(found[tap][0] - value)
        assert error < 1e-5 * np.linalg.norm(value), tap


def test_only_what_leads_to_a_tap_is_computed():
    network = extract.build(TABLE, WEIGHTS)

    def program(*taps):
        jaxpr = jax.make_jaxpr(lambda x: extract.extract(network, x, taps))
        return str(jaxpr(jnp.zeros((1, 32, 32, 3))))

    assert program("one").count("conv_general_dil") == 2
    assert program("three").count("conv_general_dil") == 1
    # Groups are convolved one by one.
    assert program("two").count("conv_general_dil") == 3


@pytest.mark.parametrize(
    ("name", "tap", "mode"),
    [("caffenet", "relu4", "max"), ("googlenet", "inception_3a/output", "avg")],
)
def test_gradients_in_a_loop_compile_to_fast_convolutions(name, tap, mode):
    """As `test_vgg` shows it of the VGGs."""
    table = narrow(architectures.NETWORKS[name])
    weights = extract.random_weights(table, np.random.default_rng(5))
    network = extract.build(table, weights, pooling=mode)

    def loss(image, network):
        return jnp.sum(extract.extract(network, image[None], [tap])[tap])

    def descend(image, network):
        gradient = jax.grad(loss)
        return lax.fori_loop(0, 3, lambda _, x: x - gradient(x, network), image)

    image = jnp.zeros((75, 90, 3))
    program = jax.jit(descend).lower(image, network).compile().as_text()
    layouts = re.findall(r"dim_labels=b01f_(01\w\w)->b01f", program)
    assert set(layouts) == {"01io"}
    assert len(layouts) >= 8
    assert "feature_group_count" not in program
    assert " select-and-scatter(" not in program
    assert " scatter(" not in program


@pytest.mark.parametrize("name", ["caffenet", "googlenet"])
def test_too_small_a_picture_is_seen_as_far_as_it_goes(name):
    table = narrow(architectures.NETWORKS[name])
    network = extract.build(
        table, extract.random_weights(table, np.random.default_rng(5))
    )
    taps = table.trunk

    def total(x):
        found = extract.extract(network, x, taps)
        return sum(map(jnp.sum, found.values())), found

    gradient, found = jax.jit(jax.grad(total, has_aux=True))(jnp.ones((1, 16, 12, 3)))
    empty = [tap for tap in taps if not found[tap].size]
    assert empty[0] == {"caffenet": "pool1", "googlenet": "pool3/3x3_s2"}[name]
    assert np.any(gradient)
    assert np.all(np.isfinite(gradient))


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match="pooling='l2' is not known; choose one"):
        Network(TABLE, WEIGHTS, pooling="l2")


@pytest.mark.parametrize("name", ["caffenet", "googlenet"])
def test_prepared_kernels_see_the_same(name):
    """Wide enough for Winograd's method: groups, and branches that need it not."""
    weights = extract.random_weights(
        architectures.NETWORKS[name], np.random.default_rng(1)
    )
    tap = {
        "caffenet": "relu4",
        "googlenet": "inception_3a/output",
    }[name]
    network = extract.build(name, weights)
    prepared = extract.prepare(network, [tap])
    done = {
        name: convolution.transformed is not None
        for name, convolution in prepared.convolutions.items()
    }
    wanted = {
        "caffenet": ["conv3", "conv4"],
        "googlenet": ["conv2/3x3", "inception_3a/3x3"],
    }[name]
    assert [name for name, value in done.items() if value] == wanted
    images = np.random.default_rng(2).random((1, 150, 167, 3), np.float32)
    extract = jax.jit(extract.extract, static_argnums=2)
    expected = extract(network, images, (tap,))[tap]
    found = extract(prepared, images, (tap,))[tap]
    assert not np.array_equal(found, expected)
    assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("name", "tap", "shape"),
    [
        ("googlenet", "inception_4a/output", (1, 5, 8, 512)),
        ("squeezenet1_1", "pool3", (1, 11, 15, 128)),
    ],
)
def test_stored_weights_are_loaded(name, tap, shape, monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))
    weights = extract.random_weights(extract.table(name), np.random.default_rng(6))
    store.save(name, weights, {"source": "a test"})
    network = nst_jax.load_network(name, pooling="avg_ceil", offline=True)
    assert network.pooling == "avg_ceil"
    first = network.table.convolutions[0].name
    np.testing.assert_array_equal(
        network.convolutions[first].kernel[...], weights[f"{first}/kernel"]
    )
    seen = jax.eval_shape(
        lambda x: extract.extract(network, x, [tap]), jnp.zeros((1, 90, 128, 3))
    )
    assert seen[tap].shape == shape
