"""Networks of converted weights against PyTorch and Keras: taps and pooling."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.published import keras_model, write_keras_published
from support.references import relative_error, tensor
from support.tiny import built

import weights_convert.convert
import weights_convert.store
from nst_jax.networks import extract, pooling
from nst_jax.networks.network import Network
from weights_convert.architectures import find

pytestmark = pytest.mark.parity


def our_taps(network, image, names):
    see = jax.jit(Network.__call__, static_argnums=2)
    found = see(network, jnp.asarray(image)[None], tuple(names))
    return {name: np.asarray(v.features, np.float32) for name, v in found.items()}


def torch_taps(network, image):
    with torch.no_grad():
        found = network.taps(tensor(image))
    return {name: value.permute(0, 2, 3, 1).numpy() for name, value in found.items()}


def test_every_tap_equals_torchs(converted, pooling, image):
    name = converted.published.network
    network = built(find(name), converted.weights, pooling=pooling)
    expected = torch_taps(converted.reference(pooling), image)
    names = find(name).taps
    # As loaded, and with the kernels of Winograd's method.
    for ours in (network, extract.prepare(network, names)):
        found = our_taps(ours, image, names)
        assert found.keys() == expected.keys()
        errors = {tap: relative_error(found[tap], expected[tap]) for tap in expected}
        assert max(errors.values()) < 1e-5, errors


def test_every_tap_in_bfloat16_is_near_torchs_float32(converted, image):
    name = converted.published.network
    network = built(find(name), converted.weights, precision="bfloat16")
    expected = torch_taps(converted.reference("max"), image)
    found = our_taps(network, image, expected)
    errors = {tap: relative_error(found[tap], expected[tap]) for tap in expected}
    # 8 bits of mantissa: better than 1e-4 would mean that nothing was rounded.
    assert min(errors.values()) > 1e-4
    assert max(errors.values()) < 0.03, errors


SAVERS = {
    "published.h5": write_keras_published,
    "model.h5": lambda model, path: model.save(path),
    "saved.weights.h5": lambda model, path: model.save_weights(path),
}


@pytest.fixture(scope="module")
def vgg19() -> keras.Model:
    return keras_model("vgg19")


@pytest.mark.parametrize("filename", SAVERS)
@pytest.mark.filterwarnings(  # Keras's own, of NumPy 2.
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning:keras"
)
def test_kerass_own_taps_from_every_file_it_saves(filename, vgg19, image, tmp_path):
    SAVERS[filename](vgg19, tmp_path / filename)
    stored = weights_convert.convert.convert(
        tmp_path / filename, find("vgg19"), report=lambda line: None
    )
    weights, _ = weights_convert.store.load(find("vgg19"))
    (tmp_path / filename).unlink()
    stored.unlink()

    names = [layer.name for layer in vgg19.layers[1:]]
    taps = [name.replace("block", "relu").replace("_conv", "_") for name in names]
    taps = [f"pool{tap[4]}" if tap.endswith("_pool") else tap for tap in taps]
    outputs = [vgg19.get_layer(name).output for name in names]
    model = keras.Model(vgg19.input, outputs)
    inputs = keras.applications.vgg19.preprocess_input(image[None] * 255)
    expected = dict(zip(taps, model.predict(inputs, verbose=0), strict=True))

    found = our_taps(extract.build(find("vgg19"), weights), image, taps)
    errors = {tap: relative_error(found[tap], expected[tap]) for tap in taps}
    assert max(errors.values()) < 1e-5, errors


@pytest.mark.parametrize("size", [(8, 8), (7, 8), (8, 7), (9, 13), (3, 3)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gradient_of_max_pooling_with_ties_equals_torchs(size, dtype):
    rng = np.random.default_rng(sum(size))
    # Three values for four pixels: every window has a tie.
    images = rng.integers(0, 3, (2, *size, 5)).astype(np.float32)
    pooled = (2, size[0] // 2, size[1] // 2, 5)
    cotangent = rng.integers(-4, 5, pooled).astype(np.float32)

    inputs = tensor(images.transpose(0, 3, 1, 2)).requires_grad_()
    F.max_pool2d(inputs, 2).backward(tensor(cotangent.transpose(0, 3, 1, 2)))
    _, pull_back = jax.vjp(pooling.max_pool, jnp.asarray(images, dtype))
    (found,) = pull_back(jnp.asarray(cotangent, dtype))
    np.testing.assert_array_equal(found, inputs.grad.permute(0, 2, 3, 1).numpy())
