"""Mean activations of filters, and the rescaling that they are made for."""

import numpy as np
import pytest
from support.tiny import random_weights

from nst_jax.networks import extract, statistics
from weights_convert import architectures
from weights_convert.normalize import rescale

LAYERS = (
    architectures.Convolution("conv1_1", 3, 4),
    architectures.Convolution("conv1_2", 4, 5),
    architectures.Convolution("conv2_1", 5, 6),
)
TINY = architectures.Architecture(
    "tiny", "vgg", architectures.CAFFE, architectures.vgg_layers(LAYERS)
)
TAPS = tuple(f"relu{layer.name[4:]}" for layer in LAYERS)


@pytest.fixture(scope="module")
def weights():
    return random_weights(TINY, np.random.default_rng(0))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((3, 12, 16, 3)).astype(np.float32)


def activations(weights, images):
    network = extract.build(TINY, weights)
    views = network(images, TAPS)
    return {tap: view.features for tap, view in views.items()}


def test_the_mean_is_over_images_and_positions(weights, images):
    network = extract.build(TINY, weights)
    means = statistics.mean_activations(network, images)
    found = activations(weights, images)
    for layer, tap in zip(LAYERS, TAPS, strict=True):
        expected = np.asarray(found[tap], np.float64).mean((0, 1, 2))
        assert means[layer.name].shape == (layer.outputs,)
        np.testing.assert_allclose(means[layer.name], expected, rtol=1e-5)


def test_rescaled_activations_have_mean_one_and_the_same_signs(weights, images):
    means = statistics.mean_activations(extract.build(TINY, weights), images)
    rescaled = rescale(weights, TINY, means)
    before, after = activations(weights, images), activations(rescaled, images)
    for layer, tap in zip(LAYERS, TAPS, strict=True):
        scale = np.where(means[layer.name] > 0, means[layer.name], 1)
        expected = np.asarray(before[tap]) / scale
        np.testing.assert_allclose(after[tap], expected, rtol=1e-3, atol=1e-4)
        clear = (expected == 0) | (expected > 1e-3)
        assert ((np.asarray(after[tap]) > 0) == (expected > 0))[clear].mean() > 0.999
    again = statistics.mean_activations(extract.build(TINY, rescaled), images)
    alive = np.concatenate([means[layer.name] > 0 for layer in LAYERS])
    ones = np.concatenate([again[layer.name] for layer in LAYERS])
    assert alive.sum() > 10
    np.testing.assert_allclose(ones[alive], 1, rtol=1e-4)


def test_no_images_no_activations(weights):
    means = statistics.mean_activations(extract.build(TINY, weights), [])
    assert {name: value.sum() for name, value in means.items()} == {
        layer.name: 0 for layer in LAYERS
    }
