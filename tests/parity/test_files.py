"""`.pth` files of real PyTorch, read without it: every precision, kind and nesting."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from weights_convert import formats, mapping
from weights_convert.architectures import TORCHVISION
from weights_convert.errors import WeightsError

pytestmark = pytest.mark.parity

# torchvision's numbers of VGG-19's convolutions.
NUMBERS = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


@pytest.fixture(scope="module")
def table(tiny_architecture):
    return dataclasses.replace(tiny_architecture, preprocessing=TORCHVISION)


@pytest.fixture(scope="module")
def state(table) -> dict[str, Tensor]:
    """A narrow VGG-19 under torchvision's names, float64, with a classifier."""
    generator = torch.Generator().manual_seed(0)
    tensors = {"classifier.0.weight": torch.ones(2, 3, dtype=torch.float64)}
    for number, layer in zip(NUMBERS, table.convolutions, strict=True):
        for part, shape in (
            ("weight", (layer.outputs, layer.inputs, 3, 3)),
            ("bias", (layer.outputs,)),
        ):
            tensors[f"features.{number}.{part}"] = torch.randn(
                shape, generator=generator, dtype=torch.float64
            )
    return tensors


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    """`object -> path` of a file in one of PyTorch's two formats."""

    def write(content: object) -> Path:
        path = tmp_path / "weights.pth"
        torch.save(content, path, _use_new_zipfile_serialization=request.param)
        return path

    return write


def converted(path: Path, table) -> dict[str, np.ndarray]:
    found = formats.detect(path)
    arrays = found.read(path)
    layout = mapping.choose_layout(arrays, found.name, table)
    return mapping.map_arrays(arrays, layout, table, origin=path)


def check(found: dict[str, np.ndarray], state: dict[str, Tensor], table) -> None:
    """Every array is float32, and exactly PyTorch's own conversion to it."""
    assert found.keys() == table.shapes.keys()
    for number, layer in zip(NUMBERS, table.convolutions, strict=True):
        kernel = state[f"features.{number}.weight"].detach().float()
        bias = state[f"features.{number}.bias"].detach().float()
        stored = found[f"{layer.name}/kernel"], found[f"{layer.name}/bias"]
        assert {array.dtype for array in stored} == {np.dtype(np.float32)}
        np.testing.assert_array_equal(stored[0], kernel.permute(2, 3, 1, 0).numpy())
        np.testing.assert_array_equal(stored[1], bias.numpy())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_precision_becomes_float32(dtype, save, state, table):
    state = {key: value.to(getattr(torch, dtype)) for key, value in state.items()}
    check(converted(save(state), table), state, table)


@pytest.mark.parametrize(
    "name", ["state_dict", "model_state_dict", "model", "net", "params"]
)
def test_a_training_checkpoint_is_looked_through(name, save, state, table):
    parameters = [torch.nn.Parameter(value.clone()) for value in state.values()]
    optimizer = torch.optim.Adam(parameters)
    sum(parameter.sum() for parameter in parameters).backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "best": (0.5, None, True),
        "arch": "vgg19",
        "optimizer": optimizer.state_dict(),
        name: state,
    }
    check(converted(save(checkpoint), table), state, table)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda state: {"model_state": state, "epoch": 3},
        lambda state: {"weights": {"model": state}},
        lambda state: [{"net": {"params": state}}, 3],
        lambda state: {"checkpoint": ({"a": {}}, {"vgg": state}), "lr": 0.1},
    ],
)
@pytest.mark.parametrize("prefix", ["", "module.", "model._orig_mod."])
def test_a_state_dict_is_found_where_it_lies(wrapped, prefix, save, state, table):
    named = {prefix + key: value for key, value in state.items()}
    check(converted(save(wrapped(named)), table), state, table)


def test_the_convolutional_part_by_itself(save, state, table):
    features = {
        key.removeprefix("features."): value
        for key, value in state.items()
        if key.startswith("features.")
    }
    check(converted(save(features), table), state, table)


def test_two_state_dicts_alike_are_not_guessed(save, state):
    with pytest.raises(WeightsError, match="alike, '/ours' and '/theirs'; save one al"):
        formats.pytorch.read(save({"ours": state, "theirs": dict(state)}))


def channels_last(tensor: Tensor) -> Tensor:
    if tensor.ndim < 4:
        return tensor
    return tensor.contiguous(memory_format=torch.channels_last)


def slice_of_a_larger_storage(tensor: Tensor) -> Tensor:
    return torch.stack([tensor - 1, tensor, tensor + 1], dim=-1)[..., 1]


@pytest.mark.parametrize(
    "kept_as", [channels_last, slice_of_a_larger_storage, torch.nn.Parameter]
)
def test_tensors_as_they_lie_in_memory(kept_as, save, state, table):
    state = {key: kept_as(value) for key, value in state.items()}
    check(converted(save(state), table), state, table)


def test_tensors_that_share_a_storage(save, state, table):
    flat = torch.cat([value.reshape(-1) for value in state.values()])
    views, start = {}, 0
    for key, value in state.items():
        views[key] = flat[start : start + value.numel()].view(value.shape)
        start += value.numel()
    check(converted(save(views), table), state, table)


def test_a_modules_own_state_dict(save, state, table):
    model = torch.nn.Module()
    model.features = torch.nn.ModuleDict(
        {
            str(number): torch.nn.Conv2d(layer.inputs, layer.outputs, 3)
            for number, layer in zip(NUMBERS, table.convolutions, strict=True)
        }
    )
    features = {k: v for k, v in state.items() if k.startswith("features.")}
    model.load_state_dict(features)
    saved = model.state_dict()
    assert hasattr(saved, "_metadata")
    check(converted(save(saved), table), saved, table)
