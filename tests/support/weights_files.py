"""Writers of small source files: Keras's layouts with h5py, hostile pickles by hand."""

import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C


def write_keras(
    path: Path, layers: Mapping[str, Mapping[str, np.ndarray]], *, root: str = ""
) -> None:
    """`layers`: {"block1_conv1": {"block1_conv1_W_1:0": array}}, as Keras writes them.

    `root` "model_weights" makes it a whole model's file. Names are fixed-length
    strings, a layer without weights has an empty list, as in the published files.
    """
    with h5py.File(path, "w") as file:
        group = file.create_group(root) if root else file
        names = ["input_1", *layers]
        group.attrs["layer_names"] = np.array([name.encode() for name in names])
        group.attrs["backend"] = b"tensorflow"
        group.create_group("input_1").attrs["weight_names"] = np.array([])
        for layer, weights in layers.items():
            below = group.create_group(layer)
            below.attrs["weight_names"] = np.array([name.encode() for name in weights])
            for name, value in weights.items():
                below[name] = value
        if root:
            file.create_group("optimizer_weights")["iteration"] = np.int64(3)


def legacy(
    pickled: bytes, keys: tuple[str, ...] = (), storages: tuple[bytes, ...] = ()
) -> bytes:
    """A legacy PyTorch file around any pickle; storages of float32."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    parts = [pickle.dumps(item, protocol=2) for item in (MAGIC, 1001, machine)]
    parts += [pickled, pickle.dumps(list(keys), protocol=2)]
    parts += [struct.pack("<q", len(item) // 4) + item for item in storages]
    return b"".join(parts)


def zipped(path: Path, pickled: bytes, storages: Mapping[str, bytes] = {}) -> None:
    """A zip PyTorch file around any pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, data in storages.items():
            archive.writestr(f"archive/data/{key}", data)


def tensor_pickle(
    *,
    numel: int = 4,
    offset: int = 0,
    shape: tuple[int, ...] = (2, 2),
    strides: tuple[int, ...] = (2, 1),
    kind: str = "FloatStorage",
) -> bytes:
    """The pickle of `{"w": tensor}` with storage "0", every number free to be wrong."""
    writer = _Pickler()
    return writer.dump({"w": Tensor(numel, offset, shape, strides, kind)})


class Tensor:
    """Stands for a tensor in `_Pickler`."""

    def __init__(self, *fields: object) -> None:
        self.fields = fields


class _Pickler:
    """Opcodes by hand: GLOBALs of torch cannot be pickled without torch."""

    def dump(self, value: dict[str, Tensor]) -> bytes:
        out = [b"\x80\x02}"]
        for key, tensor in value.items():
            numel, offset, shape, strides, kind = tensor.fields
            out += [self._plain(key), b"ctorch._utils\n_rebuild_tensor_v2\n("]
            out += [b"(", self._plain("storage"), f"ctorch\n{kind}\n".encode()]
            out += [self._plain("0"), self._plain("cpu"), self._plain(numel), b"tQ"]
            out += [self._plain(offset), self._plain(shape), self._plain(strides)]
            out += [b"\x89}tRs"]
        return b"".join([*out, b"."])

    @staticmethod
    def _plain(value: object) -> bytes:
        return pickle.dumps(value, protocol=2)[2:-1]
