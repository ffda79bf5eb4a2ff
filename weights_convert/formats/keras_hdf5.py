"""Keras's HDF5 files: the published no-top weights, whole models, and Keras 3.

Layouts, from keras/src/legacy/saving/legacy_h5_format.py and saving_lib.py (3.x):
- weights: a group a layer, below it a data set a weight (`block1_conv1_W_1:0` in the
  published files, `block1_conv1/kernel:0` in later ones, `block1_conv1/kernel` in
  Keras 3), named by the attributes `layer_names` and `weight_names`;
- whole models (`model.save("x.h5")`): the same below a group `model_weights`;
- Keras 3's `x.weights.h5`: `layers/<class>_<number>/vars/<0 is kernel, 1 is bias>`;
- Keras 3's `x.keras`: a zip archive with such a file, `model.weights.h5`, in it.

The attributes only repeat the names of the data sets, so the groups are walked and no
attribute is read: HDF5 keeps their strings in a heap whose reader loops for ever on
some damaged files.
"""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_archive, check_expansion

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE = b"PK\x03\x04"
_ZIP_MEMBER = "model.weights.h5"
_MAX_ITEMS = 10_000


def matches(path: Path) -> bool:
    """Whether the file has HDF5's signature, or is a zip archive of Keras's."""
    with path.open("rb") as file:
        head = file.read(len(_SIGNATURE))
    if not head.startswith(_ZIP_SIGNATURE):
        return head == _SIGNATURE
    try:
        with zipfile.ZipFile(path) as archive:
            return _ZIP_MEMBER in archive.namelist()
    except Exception:  # a damaged archive raises many things; PyTorch's reader says it
        return False


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads every weight of the file.

    Args:
      path: a file of one of the layouts above.

    Returns:
      `{"<layer>/<weight name>": array}`, for instance
      `block1_conv1/block1_conv1_W_1:0`, float32 `[height, width, inputs, outputs]`;
      for Keras 3's layout the data set's path (`layers/conv2d/vars/0`). bfloat16 comes
      as float32.

    Raises:
      WeightsError: the file is truncated or damaged, is no Keras file, or points to
        other files.
    """
    import h5py

    try:
        with h5py.File(_content(path), "r") as file:
            return _read(path, file)
    except WeightsError:
        raise
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # damaged HDF5 raises OSError, KeyError, RuntimeError...
        raise WeightsError(
            f"{path}: truncated or damaged Keras file ({_line(error)}); get it again"
        ) from error


def _content(path: Path) -> Path | io.BytesIO:
    """The HDF5 file: the file itself, or what a zip archive holds of it."""
    with path.open("rb") as file:
        if file.read(4) != _ZIP_SIGNATURE:
            return path
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive)
        return io.BytesIO(archive.read(_ZIP_MEMBER))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _read(path: Path, file: Any) -> dict[str, np.ndarray]:
    root = _child(path, file, "model_weights") if "model_weights" in file else file
    found = _data_sets(path, root)
    if not found:
        raise WeightsError(f"{path}: an HDF5 file without a single array of numbers")
    check_expansion(
        path, sum(item.size * item.dtype.itemsize for item in found.values())
    )
    return {key: _numbers(item) for key, item in found.items()}


def _numbers(item: Any) -> np.ndarray:
    array = np.asarray(item[()])
    if _is_bfloat16(item):  # the upper half of a float32
        return (array.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return array


def _is_bfloat16(item: Any) -> bool:
    """Whether these are two opaque bytes: as h5py writes a type that HDF5 hasn't."""
    return item.dtype.kind == "V" and item.dtype == np.dtype("V2")


def _data_sets(path: Path, root: Any) -> dict[str, Any]:
    """Every data set of numbers below `root`, by its path."""
    import h5py

    found: dict[str, Any] = {}
    pending, visited = [("", root)], 0
    while pending:
        prefix, group = pending.pop()
        for name in group:
            visited += 1
            if visited > _MAX_ITEMS:  # a damaged group may contain itself
                raise WeightsError(f"{path}: over {_MAX_ITEMS} entries; damaged")
            child = _child(path, group, name)
            if isinstance(child, h5py.Group):
                pending.append((f"{prefix}{name}/", child))
            elif isinstance(child, h5py.Dataset) and (
                child.dtype.kind in "fiub" or _is_bfloat16(child)
            ):
                if child.external or child.is_virtual:
                    raise WeightsError(f"{path}: {name!r:.80} lies elsewhere; refused")
                found[prefix + name] = child
    return found


def _child(path: Path, group: Any, name: str) -> Any:
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise WeightsError(f"{path}: {name!r:.80} is a link, maybe out of it; refused")
    return group[name]
