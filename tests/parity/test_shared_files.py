"""Files that Keras and PyTorch themselves write of the VGGs that people share."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from support.tiny import random_weights

from nst_jax.networks import extract
from weights_convert import export, isolated, mapping, store
from weights_convert.architectures import CAFFE, Architecture

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def table(tiny_architecture: Architecture) -> Architecture:
    return dataclasses.replace(tiny_architecture, preprocessing=CAFFE)


def _converted(path: Path, table: Architecture) -> tuple[str, dict[str, np.ndarray]]:
    found, arrays = isolated.read_file(path)
    layout = mapping.choose_layout(arrays, found.name, table)
    return layout.name, mapping.map_arrays(arrays, layout, table, origin=path)


def _keras_vgg(table: Architecture, *, top: bool) -> keras.Model:
    """keras.applications.VGG19's layers and names, of the table's widths."""
    inputs = keras.Input((32, 32, 3))
    x = inputs
    for layer in table.convolutions:
        block, index = layer.name.removeprefix("conv").split("_")
        if index == "1" and block != "1":
            x = keras.layers.MaxPooling2D(2, name=f"block{int(block) - 1}_pool")(x)
        name = f"block{block}_conv{index}"
        # Random starts would each be compiled.
        options = {"padding": "same", "kernel_initializer": "zeros", "name": name}
        x = keras.layers.Conv2D(layer.outputs, 3, activation="relu", **options)(x)
    x = keras.layers.MaxPooling2D(2, name="block5_pool")(x)
    if top:
        x = keras.layers.Flatten(name="flatten")(x)
        x = keras.layers.Dense(8, "relu", kernel_initializer="zeros", name="fc1")(x)
        x = keras.layers.Dense(3, kernel_initializer="zeros", name="predictions")(x)
    model = keras.Model(inputs, x, name="vgg19")
    generator = np.random.default_rng(0)
    model.set_weights([generator.normal(size=w.shape) for w in model.get_weights()])
    return model


def _around(base: keras.Model) -> keras.Model:
    """A classifier of one's own on top, as transfer learning has it."""
    layers = [
        base,
        keras.layers.Flatten(),
        keras.layers.Dense(2, kernel_initializer="zeros"),
    ]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


@pytest.mark.parametrize("ending", [".keras", ".weights.h5", ".h5"])
@pytest.mark.parametrize("form", ["top", "no top", "nested"])
def test_keras_files(
    table: Architecture, tmp_path: Path, form: str, ending: str
) -> None:
    keras.utils.clear_session()
    base = _keras_vgg(table, top=form == "top")
    model = _around(base) if form == "nested" else base
    path = tmp_path / f"model{ending}"
    model.save_weights(path) if "weights" in ending else model.save(path)
    name, found = _converted(path, table)
    assert name == "keras"
    for layer in table.convolutions:
        source = base.get_layer(
            layer.name.replace("conv", "block").replace("_", "_conv")
        )
        kernel, bias = source.get_weights()
        if layer.name == "conv1_1":
            kernel = kernel[:, :, ::-1]
        np.testing.assert_array_equal(found[f"{layer.name}/kernel"], kernel)
        np.testing.assert_array_equal(found[f"{layer.name}/bias"], bias)


def _adain_encoder(table: Architecture) -> torch.nn.Sequential:
    """pytorch-AdaIN's `net.vgg`, of the table's widths: its modules in their order."""
    first = torch.nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        first.weight.copy_(torch.eye(3).flip(0)[..., None, None] * 255)
        first.bias.copy_(torch.tensor([-103.939, -116.779, -123.68]))
    modules: list[torch.nn.Module] = [first]
    for layer in table.convolutions:
        if layer.name.endswith("_1") and layer.name != "conv1_1":
            modules.append(torch.nn.MaxPool2d(2, 2, 0, ceil_mode=True))
        modules += [
            torch.nn.ReflectionPad2d(1),
            torch.nn.Conv2d(layer.inputs, layer.outputs, 3),
            torch.nn.ReLU(),
        ]
    return torch.nn.Sequential(*modules)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_vgg_normalised(table: Architecture, tmp_path: Path, zipped: bool) -> None:
    torch.manual_seed(0)
    encoder = _adain_encoder(table)
    path = tmp_path / "vgg_normalised.pth"
    torch.save(encoder.state_dict(), path, _use_new_zipfile_serialization=zipped)
    normalized = dataclasses.replace(table, name=f"{table.name}-normalized")
    name, found = _converted(path, normalized)
    assert name == "vgg_normalised"
    network = extract.build(normalized, found)
    image = np.random.default_rng(1).random((40, 48, 3), np.float32)
    views = network(image[None], ["relu1_2", "relu2_2"])
    ours = {tap: view.features for tap, view in views.items()}
    x = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.no_grad():
        shallow, deep = encoder[:7](x), encoder[:14](x)
    # Theirs pads by reflection: away from the border, by as far as that is seen, the
    # two are one network.
    for tap, theirs, margin in (("relu1_2", shallow, 2), ("relu2_2", deep, 4)):
        inside = slice(margin, -margin)
        expected = theirs[0].permute(1, 2, 0).numpy()[inside, inside]
        scale = np.abs(expected).max()
        assert scale > 0
        np.testing.assert_allclose(
            np.asarray(ours[tap])[0, inside, inside], expected, atol=1e-5 * scale
        )


def test_vgg_conv(table: Architecture, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Module()
    for layer in table.convolutions:
        module = torch.nn.Conv2d(layer.inputs, layer.outputs, 3, padding=1)
        setattr(model, layer.name, module)
    path = tmp_path / "vgg_conv.pth"
    torch.save(model.state_dict(), path)
    name, found = _converted(path, table)
    assert name == "vgg_conv"
    for layer in table.convolutions:
        kernel = getattr(model, layer.name).weight.detach().permute(2, 3, 1, 0).numpy()
        if layer.name == "conv1_1":
            kernel = kernel[:, :, ::-1]
        np.testing.assert_array_equal(found[f"{layer.name}/kernel"], kernel)


def test_torch_loads_what_is_exported(
    table: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    weights = random_weights(table, np.random.default_rng(0))
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))
    store.save(table, weights, {})
    state = load_file(export.export(table, tmp_path / "out.safetensors", report=print))
    modules: list[torch.nn.Module] = []
    for layer in table.convolutions:  # torchvision's `make_layers`
        if layer.name.endswith("_1") and layer.name != "conv1_1":
            modules.append(torch.nn.MaxPool2d(2, 2))
        convolution = torch.nn.Conv2d(layer.inputs, layer.outputs, 3, padding=1)
        modules += [convolution, torch.nn.ReLU()]
    model = torch.nn.Module()
    model.features = torch.nn.Sequential(*modules)
    model.load_state_dict(state, strict=True)
    image = np.random.default_rng(1).random((33, 40, 3), np.float32)
    preprocessing = table.preprocessing
    x = (image - np.float32(preprocessing.mean)) / np.float32(preprocessing.std)
    with torch.no_grad():
        theirs = model.features[:7](torch.from_numpy(x).permute(2, 0, 1)[None])
    ours = extract.build(table, weights)(image[None], ["relu2_1"])
    expected = theirs[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(
        np.asarray(ours["relu2_1"].features)[0],
        expected,
        atol=1e-5 * np.abs(expected).max(),
    )
