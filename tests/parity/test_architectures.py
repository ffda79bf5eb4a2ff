"""AlexNet, GoogLeNet and SqueezeNet against torchvision and Caffe's prototxts."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import caffe_networks, torchvision_models
from support.references import nchw, relative_error, tensor
from support.tiny import built, random_weights

import weights_convert.convert
import weights_convert.store
from nst_jax.networks import extract, pooling
from weights_convert import architectures
from weights_convert.architectures import find

pytestmark = pytest.mark.parity


@functools.partial(jax.jit, static_argnums=2)
def features(network, images, taps):
    return {t: v.features for t, v in network(images, taps).items()}


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """`[107, 131, 3]` float32 in [0, 1], at which no pooling comes out even."""
    return np.random.default_rng(4).random((107, 131, 3), np.float32)


def check(network, expected, image):
    """Every tap of `expected`; there must be no others."""
    assert set(expected) == set(network.architecture.taps)
    found = features(network, image[None], network.architecture.taps)
    errors = {tap: relative_error(found[tap], expected[tap]) for tap in expected}
    assert max(errors.values()) < 1e-5, errors


@pytest.mark.parametrize("name", torchvision_models.MODELS)
def test_every_tap_equals_torchvisions(name, image, tmp_path):
    model = torchvision_models.model(name)
    torch.save(model.state_dict(), tmp_path / "model.pth")
    stored = weights_convert.convert.convert(
        tmp_path / "model.pth", find(name), report=lambda line: None
    )
    weights, _ = weights_convert.store.load(find(name))
    stored.unlink()
    network = extract.build(find(name), weights)
    names = network.architecture.taps
    expected = torchvision_models.taps(name, model, names, image)
    check(network, expected, image)
    if name != "googlenet-torchvision":  # It compiles for long.
        check(extract.prepare(network, names), expected, image)


@pytest.fixture(scope="module", params=caffe_networks.NETWORKS)
def caffe(request):
    """Name, seeded weights with all taps of a scale, and the network in PyTorch."""
    table = architectures.NETWORKS[request.param]
    weights = random_weights(table, np.random.default_rng(7))
    return request.param, weights, caffe_networks.NETWORKS[request.param]


def torch_caffe(caffe, image, mode, dtype):
    _, weights, network = caffe
    return network(caffe_networks.CaffeNetwork(weights, mode, dtype), image)


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_every_tap_equals_caffes(caffe, mode, image):
    name, weights, _ = caffe
    with torch.no_grad():
        found = torch_caffe(caffe, tensor(image), mode, torch.float32)
    expected = {tap: value.permute(0, 2, 3, 1).numpy() for tap, value in found.items()}
    check(built(find(name), weights, pooling=mode), expected, image)


LOOKS = {
    "caffenet": ("conv1", "norm1", "relu2", "conv4", "pool5"),
    "googlenet": ("conv1/7x7_s2", "conv2/3x3", "inception_3a/output", "pool3/3x3_s2"),
}


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_gradients_equal_caffes(caffe, mode, image):
    name, weights, _ = caffe
    network = built(find(name), weights, pooling=mode)
    point = tensor(image).double().requires_grad_()
    found = torch_caffe(caffe, point, mode, torch.float64)
    rng = np.random.default_rng(9)
    cotangents = {
        tap: rng.normal(size=found[tap].permute(0, 2, 3, 1).shape)
        / found[tap].norm().item()
        for tap in LOOKS[name]
    }
    total = sum((nchw(slope) * found[tap]).sum() for tap, slope in cotangents.items())
    (expected,) = torch.autograd.grad(total, point)

    @jax.jit
    def gradient(network, image, cotangents):
        _, pull_back = jax.vjp(lambda x: features(network, x[None], LOOKS[name]), image)
        return pull_back(cotangents)[0]

    slopes = {tap: jnp.asarray(x, jnp.float32) for tap, x in cotangents.items()}
    error = relative_error(gradient(network, image, slopes), expected.numpy())
    # Where two pixels are nearly equal, another than in float64 may be the largest.
    assert error < (1e-5 if mode == "avg" else 1e-3)


WINDOWS = [
    pooling.Windows(2, 2, ceil=True),
    pooling.Windows(3, 2),
    pooling.Windows(3, 2, ceil=True),
    pooling.Windows(3, 1, 1, ceil=True),
    pooling.Windows(3, 2, 1, ceil=True),
]


@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("size", [(8, 7), (9, 13)])
def test_pooling_with_ties_equals_torchs(mode, windows, size):
    rng = np.random.default_rng(sum(size))
    # Three values: every window has a tie.
    images = rng.integers(0, 3, (2, *size, 5)).astype(np.float32)
    inputs = tensor(images.transpose(0, 3, 1, 2)).requires_grad_()
    pool = {"max": F.max_pool2d, "avg": F.avg_pool2d}[mode]
    expected = pool(
        inputs,
        windows.size,
        windows.stride,
        windows.padding,
        ceil_mode=windows.ceil,
    )
    cotangent = rng.integers(-4, 5, expected.permute(0, 2, 3, 1).shape)
    cotangent = cotangent.astype(np.float32)
    expected.backward(tensor(cotangent.transpose(0, 3, 1, 2)))

    ours = {"max": pooling.max_pool, "avg": pooling.average_pool}[mode]
    found, pull_back = jax.vjp(lambda x: ours(x, windows), jnp.asarray(images))
    np.testing.assert_allclose(
        found, expected.detach().permute(0, 2, 3, 1).numpy(), rtol=1e-6
    )
    (gradient,) = pull_back(jnp.asarray(cotangent))
    np.testing.assert_allclose(
        gradient, inputs.grad.permute(0, 2, 3, 1).numpy(), rtol=1e-6, atol=1e-6
    )
