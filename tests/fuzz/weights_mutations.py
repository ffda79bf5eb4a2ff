"""Good weights files of every reader, and what may be done to their bytes.

The files are those of the tests: written by the formats' own libraries, and small.
"""

import io
import random
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import safetensors.numpy

_TESTS = Path(__file__).resolve().parents[1] / "tests" / "weights_convert"
sys.path.insert(0, str(_TESTS))

import caffe_files  # noqa: E402
import matconvnet_files  # noqa: E402
from support.weights_files import write_keras  # noqa: E402
from support.weights_tiny import TINY, ramp, stored_arrays  # noqa: E402

Seeds = Callable[[Path], list[bytes]]

_ZIP = b"PK\x03\x04"
_MAT_HEADER, _MAT_COMPRESSED = 128, 15


def _convolutions() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        layer.name: (
            ramp(layer.kernel_shape).transpose(3, 2, 0, 1).astype(np.float32),
            ramp((layer.outputs,)).astype(np.float32),
        )
        for layer in TINY.convolutions
    }


def _keras(folder: Path) -> list[bytes]:
    layers = {
        f"block{name[4]}_conv1": {"kernel": kernel.transpose(2, 3, 1, 0), "bias": bias}
        for name, (kernel, bias) in _convolutions().items()
    }
    write_keras(folder / "old.h5", layers)
    write_keras(folder / "whole.h5", layers, root="model_weights")
    with h5py.File(folder / "new.h5", "w", libver="latest") as file:
        for index, layer in enumerate(layers.values()):
            name = f"layers/conv2d{f'_{index}' * (index > 0)}/vars"
            group = file.create_group(name)
            group.create_dataset("0", data=layer["kernel"], compression="gzip")
            group["1"] = layer["bias"]
    with zipfile.ZipFile(folder / "x.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.write(folder / "new.h5", "model.weights.h5")
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def _fixtures(pattern: str) -> Seeds:
    def read(_: Path) -> list[bytes]:
        found = sorted((_TESTS / "fixtures").glob(pattern))
        return [path.read_bytes() for path in found]

    return read


def _safetensors(_: Path) -> list[bytes]:
    halves = {key: array.astype(np.float16) for key, array in stored_arrays().items()}
    plain = safetensors.numpy.save(stored_arrays(), {"made": "here"})
    return [plain, safetensors.numpy.save(halves)]


def _caffe(_: Path) -> list[bytes]:
    layers = _convolutions()
    nets = [
        caffe_files.v1(layers),
        caffe_files.current(layers),
        caffe_files.current(layers, doubles=True),
        caffe_files.v1(layers, packed=False),
        caffe_files.current(layers, packed=False),
    ]
    return [net.SerializeToString() for net in nets]


def _matconvnet(folder: Path) -> list[bytes]:
    layers = {
        name: (kernel.transpose(2, 3, 1, 0), bias)
        for name, (kernel, bias) in _convolutions().items()
    }
    files = []
    for form in ("2014", "beta16", "2015"):
        for compressed in (False, True):
            path = folder / "net.mat"
            matconvnet_files.write(path, layers, form=form, compressed=compressed)
            files.append(path.read_bytes())
    return files


# Reader (a name in `formats.FORMATS`) -> its good files, given an empty folder.
SEEDS: Mapping[str, Seeds] = {
    "keras": _keras,
    "palette": _fixtures("palette_*.pth"),
    "pytorch zip": _fixtures("*_zip.pth"),
    "pytorch legacy": _fixtures("*_legacy.pth"),
    "safetensors": _safetensors,
    "matconvnet": _matconvnet,
    "caffe": _caffe,
}


def mutate(data: bytes, generator: random.Random) -> bytes:
    """A file with some of its bytes changed, cut out, put in, moved or cut off.

    Half the time the change is made below the compression and the checksums that would
    give it away: in a member of a zip archive, in an element of a MAT-file, behind the
    length of a safetensors header.
    """
    if generator.random() < 0.5:
        if data.startswith(_ZIP):
            return _in_zip(data, generator)
        if data.startswith(b"MATLAB"):
            return _in_mat(data, generator)
        if data[8:9] == b"{":
            return _in_header(data, generator)
    return _bytes(data, generator)


def _bytes(data: bytes, generator: random.Random) -> bytes:
    result = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 4, 8))):
        if not result:
            break
        place, kind = generator.randrange(len(result)), generator.random()
        if kind < 0.4:
            flipped = result[place] ^ (1 << generator.randrange(8))
            byte = generator.randrange(256)
            result[place] = generator.choice((0, 255, byte, flipped))
        elif kind < 0.7:
            number = _number(len(data), generator)
            result[place : place + len(number)] = number
        elif kind < 0.75:
            del result[place + 1 :]
        elif kind < 0.85:
            del result[place + 1 : place + generator.randrange(2, 16)]
        elif kind < 0.95:
            result[place:place] = generator.randbytes(generator.randrange(1, 9))
        else:
            start, size = generator.randrange(len(result)), generator.randrange(1, 64)
            result[place : place + size] = result[start : start + size]
    return bytes(result)


def _number(size: int, generator: random.Random) -> bytes:
    """A length, count or offset that a reader may trust too much."""
    width = generator.choice((1, 2, 4, 8))
    top = 1 << 8 * width
    value = generator.choice(
        (0, 1, size, size - 1, top - 1, top // 2, top // 2 - 1, top - size, 1 << 20)
    )
    order = generator.choice(("little", "little", "big"))
    return (value % top).to_bytes(width, order)


def _in_zip(data: bytes, generator: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(item, archive.read(item)) for item in archive.infolist()]
    # The pickle, and of a Keras file the HDF5 file, more often than the rest.
    weights = [
        4 if item.filename.endswith((".pkl", ".h5")) else 1 for item, _ in members
    ]
    (chosen,) = generator.choices(range(len(members)), weights)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for index, (item, content) in enumerate(members):
            changed = _bytes(content, generator) if index == chosen else content
            archive.writestr(item.filename, changed)
    return out.getvalue()


def _in_mat(data: bytes, generator: random.Random) -> bytes:
    out, position = [data[:_MAT_HEADER]], _MAT_HEADER
    elements = []
    while position < len(data):
        kind, size = struct.unpack_from("<II", data, position)
        elements.append((kind, data[position + 8 : position + 8 + size]))
        position += 8 + size
    chosen = generator.randrange(len(elements))
    for index, (kind, content) in enumerate(elements):
        if index == chosen and kind == _MAT_COMPRESSED:
            content = zlib.compress(_bytes(zlib.decompress(content), generator))
        elif index == chosen:
            content = _bytes(content, generator)
        out += [struct.pack("<II", kind, len(content)), content]
    return b"".join(out)


def _in_header(data: bytes, generator: random.Random) -> bytes:
    size = int.from_bytes(data[:8], "little")
    header = _bytes(data[8 : 8 + size], generator)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]
