"""Weights files of full size as torchvision and Keras publish them, random inside."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import torch

from support.references import (
    DEPTHS,
    TorchVGG,
    caffe_input,
    layer_names,
    oihw,
    tensor,
    torchvision_input,
)

_WIDTHS = (64, 128, 256, 512, 512)


@dataclasses.dataclass(frozen=True)
class Published:
    """A file and what it must become.

    Attributes:
      path: the file.
      network: the store's name for it.
      reference: a TorchVGG around the arrays of the file itself.
    """

    path: Path
    network: str
    reference: TorchVGG


def torchvision_model(network: str) -> torch.nn.Module:
    """torchvision's module names and shapes; only the classifier is narrower.

    torchvision's own has half a gigabyte there. Modules: torchvision/models/vgg.py,
    `make_layers`.
    """
    features: list[torch.nn.Module] = []
    inputs = 3
    for depth, outputs in zip(DEPTHS[network], _WIDTHS, strict=True):
        for _ in range(depth):
            features += [torch.nn.Conv2d(inputs, outputs, 3, padding=1)]
            features += [torch.nn.ReLU(inplace=True)]
            inputs = outputs
        features += [torch.nn.MaxPool2d(2, 2)]
    model = torch.nn.Module()
    model.features = torch.nn.Sequential(*features)
    model.classifier = torch.nn.Sequential(
        torch.nn.Linear(512 * 7 * 7, 8),
        torch.nn.ReLU(),
        torch.nn.Dropout(),
        torch.nn.Linear(8, 8),
        torch.nn.ReLU(),
        torch.nn.Dropout(),
        torch.nn.Linear(8, 1000),
    )
    return model


def publish_torchvision(network: str, folder: Path) -> Published:
    """VGG-16 as PyTorch's zip, VGG-19 in its legacy format."""
    model = torchvision_model(network)
    generator = torch.Generator().manual_seed(DEPTHS[network][-1])
    for layer in model.features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(
                layer.weight, nonlinearity="relu", generator=generator
            )
            torch.nn.init.normal_(layer.bias, std=0.1, generator=generator)
    path = folder / f"{network}.pth"
    zipped = network == "vgg16"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=zipped)
    return Published(path, f"{network}-torchvision", _read_torchvision(network, path))


def _read_torchvision(network: str, path: Path) -> TorchVGG:
    state = torch.load(path, weights_only=True)
    numbers = sorted(
        int(key.split(".")[1])
        for key in state
        if key.startswith("features.") and key.endswith(".weight")
    )
    layers = {
        name: (state[f"features.{number}.weight"], state[f"features.{number}.bias"])
        for name, number in zip(layer_names(network), numbers, strict=True)
    }
    return TorchVGG(layers, torchvision_input)


def keras_model(network: str) -> keras.Model:
    """Keras's own VGG without its top, with seeded He-normal weights."""
    maker = {"vgg16": keras.applications.VGG16, "vgg19": keras.applications.VGG19}
    model = maker[network](weights=None, include_top=False)
    rng = np.random.default_rng(DEPTHS[network][-1])
    for variable in model.weights:
        # Inputs are two orders of magnitude above torchvision's: so are the biases.
        fan_in = np.prod(variable.shape[:-1]) if len(variable.shape) == 4 else 0.02
        variable.assign(rng.normal(0, np.sqrt(2 / fan_in), variable.shape))
    return model


def write_keras_published(model: keras.Model, path: Path) -> None:
    """The layout of the published no-top files, which Keras 1 wrote.

    At the root `layer_names`; for each layer a group with `weight_names`, such as
    "block1_conv1_W_1:0", each a data set of that group.
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}_W_1:0", f"{layer.name}_b_1:0"][: len(layer.weights)]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(weight)


def publish_keras(network: str, folder: Path) -> Published:
    """The no-top file of Keras's VGG."""
    path = folder / f"{network}_notop.h5"
    write_keras_published(keras_model(network), path)
    return Published(path, network, _read_keras(network, path))


def _read_keras(network: str, path: Path) -> TorchVGG:
    layers = {}
    with h5py.File(path) as file:
        for name in layer_names(network):
            layer = name.replace("conv", "block").replace("_", "_conv")
            group = file[layer]
            layers[name] = (
                oihw(group[f"{layer}_W_1:0"][()]),
                tensor(group[f"{layer}_b_1:0"][()]),
            )
    return TorchVGG(layers, caffe_input)


PUBLISHERS: dict[str, Callable[[str, Path], Published]] = {
    "torchvision": publish_torchvision,
    "keras": publish_keras,
}
