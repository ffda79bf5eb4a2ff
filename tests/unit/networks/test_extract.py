"""A network of every kind of layer against loops in float64, and how it is built."""

import dataclasses
import hashlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.layer_references import convolve, local_response_norm, pool
from support.tiny import built, random_weights

from nst_jax.networks import extract
from nst_jax.networks.network import Network
from nst_jax.networks.pooling import AVG
from nst_jax.networks.precision import BFLOAT16
from weights_convert import architectures
from weights_convert.architectures import (
    Architecture,
    Concatenation,
    Convolution,
    LocalResponseNorm,
    Pooling,
    Relu,
)
from weights_convert.errors import NetworkError

BRANCHED = Architecture(
    "branched",
    "branched",
    architectures.TORCHVISION,
    (
        Convolution("conv1", 3, 6, 5, 5, stride=2, padding=1),
        Relu("relu1"),
        Pooling("pool1", 3, 2),
        LocalResponseNorm("norm1", alpha=0.5, k=2.0),
        Convolution("one", 6, 3, 1, 1, padding=0),
        Convolution("two", 6, 4, 3, 3, groups=2, bottom="norm1"),
        Pooling("three", 3, 1, 1, bottom="norm1"),
        Concatenation("joined", ("one", "two", "three")),
        Pooling("pool2", 2, 2, ceil=True),
    ),
)
WEIGHTS = random_weights(BRANCHED, np.random.default_rng(8))

see = jax.jit(Network.__call__, static_argnums=2)


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


@pytest.mark.parametrize(
    "mode",
    [
        "max",
        pytest.param("avg", marks=pytest.mark.slow),
        pytest.param("max_ceil", marks=pytest.mark.slow),
        "avg_ceil",
    ],
)
def test_every_tap(mode, photo):
    network = built(BRANCHED, WEIGHTS, pooling=mode)
    found = see(network, photo[None, :32, :43], BRANCHED.taps)
    expected = reference(photo[:32, :43], mode)
    assert found.keys() == expected.keys()
    for tap, value in expected.items():
        features = found[tap].features
        assert features.shape == (1, *value.shape), tap
        assert features.dtype == jnp.float32
        error = np.linalg.norm(features[0] - value)
        assert error < 1e-5 * np.linalg.norm(value), tap


def test_the_two_conventions_of_colours(tiny_architecture, tiny_weights, photo):
    """Caffe's 0..255 less a mean, and torchvision's mean and deviation."""
    kernel, bias = tiny_weights["conv1_1/kernel"], tiny_weights["conv1_1/bias"]
    seen = {
        architectures.CAFFE: 255 * photo - [123.68, 116.779, 103.939],
        architectures.TORCHVISION: (photo - [0.485, 0.456, 0.406])
        / [0.229, 0.224, 0.225],
    }
    for colors, image in seen.items():
        known = dataclasses.replace(tiny_architecture, preprocessing=colors)
        network = extract.build(known, tiny_weights)
        found = network(photo[None], ["conv1_1"])["conv1_1"].features
        expected = convolve(image, kernel, bias, padding=1)
        np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-3)


def test_images_of_a_batch_are_seen_one_by_one(tiny_network, photo):
    batch = np.stack([photo, photo[::-1], 1 - photo])
    together = see(tiny_network, batch, ("relu2_1",))["relu2_1"]
    assert together.count.tolist() == [16 * 22] * 3
    for image, features in zip(batch, together.features, strict=True):
        alone = see(tiny_network, image[None], ("relu2_1",))["relu2_1"].features
        np.testing.assert_allclose(features, alone[0], rtol=1e-5, atol=1e-4)
    assert not np.allclose(together.features[0], together.features[2])


def test_a_tap_asked_for_once_more_and_in_any_order(tiny_network, photo):
    taps = ("relu1_1", "conv1_1", "relu1_1")
    found = tiny_network(photo[None], taps)
    assert list(found) == ["relu1_1", "conv1_1"]
    assert tiny_network(photo[None], ()) == {}


def test_bfloat16(photo):
    network = built(BRANCHED, WEIGHTS, precision="bfloat16")
    exact = extract.build(BRANCHED, WEIGHTS)
    found = see(network, photo[None], BRANCHED.taps)
    expected = see(exact, photo[None], BRANCHED.taps)
    for tap, view in found.items():
        assert view.features.dtype == jnp.bfloat16
        assert view.count.dtype == jnp.float32
        right = np.float32(expected[tap].features)
        error = np.linalg.norm(np.float32(view.features) - right)
        assert 1e-4 < error / np.linalg.norm(right) < 0.02, tap


def test_too_small_a_picture_is_seen_as_far_as_it_goes():
    network = extract.build(BRANCHED, WEIGHTS)

    def total(x):
        found = network(x, BRANCHED.taps)
        return sum(jnp.sum(view.features) for view in found.values()), found

    gradient, found = jax.jit(jax.grad(total, has_aux=True))(jnp.ones((1, 8, 6, 3)))
    empty = [tap for tap in BRANCHED.taps if not found[tap].features.size]
    assert empty == [*BRANCHED.taps[2:]]
    assert found["pool1"].count == 0
    assert np.any(gradient)
    assert np.all(np.isfinite(gradient))


# Building.


def test_the_leaves_are_the_weights_and_their_digest(tiny_network, tiny_weights):
    shapes = sorted(leaf.shape for leaf in jax.tree.leaves(tiny_network))
    assert shapes == sorted([(32,), *(value.shape for value in tiny_weights.values())])


def test_a_network_says_which_weights_it_has(tiny_architecture, tiny_weights):
    def digest(weights=tiny_weights, **how) -> str:
        return extract.digest_of(extract.build(tiny_architecture, weights, **how))

    given = hashlib.sha256(b"these").hexdigest()
    assert digest(digest=given) == given
    own = digest()
    assert len(own) == 64
    assert own == digest(dict(tiny_weights), precision=BFLOAT16, pooling=AVG)
    other = random_weights(tiny_architecture, np.random.default_rng(1))
    assert own != digest(other)
    # Preparing changes how they are computed, not which they are.
    network = extract.build(tiny_architecture, tiny_weights, digest=given)
    assert extract.digest_of(extract.prepare(network, ["relu2_1"])) == given


def test_all_faults_of_weights_are_told_at_once(tiny_architecture, tiny_weights):
    weights = dict(tiny_weights)
    del weights["conv1_2/bias"], weights["conv5_4/kernel"]
    weights["conv3_1/kernel"] = np.zeros((3, 3, 6, 5), np.float32)
    with pytest.raises(NetworkError) as caught:
        extract.build(tiny_architecture, weights)
    assert str(caught.value) == (
        "weights of tiny don't fit: conv1_2/bias: missing, expected (4,); "
        "conv3_1/kernel: (3, 3, 6, 5), expected (3, 3, 5, 6); "
        "conv5_4/kernel: missing, expected (3, 3, 8, 8)"
    )
