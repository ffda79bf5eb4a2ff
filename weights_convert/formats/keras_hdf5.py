"""Keras's HDF5 files: the published no-top weights, whole models, and Keras 3.

Layouts, from keras/src/legacy/saving/legacy_h5_format.py and saving_lib.py (3.x):
- weights: root attribute `layer_names`; a group a layer with attribute `weight_names`
  (`block1_conv1_W_1:0` in the published files, `block1_conv1/kernel:0` in later ones,
  `block1_conv1/kernel` in Keras 3), each a data set below its group;
- whole models (`model.save("x.h5")`): the same below a group `model_weights`;
- Keras 3's `x.weights.h5`: `layers/<class>_<number>/vars/<0 is kernel, 1 is bias>`.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_expansion

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_ATTRIBUTE = 1 << 20


def matches(path: Path) -> bool:
    """Whether the file has HDF5's signature."""
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads every weight that the file's index names.

    Args:
      path: an HDF5 file of one of the layouts above.

    Returns:
      `{"<layer>/<weight name>": array}`, for instance
      `block1_conv1/block1_conv1_W_1:0`, float32 `[height, width, inputs, outputs]`;
      for Keras 3's layout the data set's path (`layers/conv2d/vars/0`).

    Raises:
      WeightsError: the file is truncated or damaged, is no Keras file, or points to
        other files.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except WeightsError:
        raise
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # damaged HDF5 raises OSError, KeyError, RuntimeError...
        raise WeightsError(
            f"{path}: truncated or damaged HDF5 file ({_line(error)}); get it again"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _read(path: Path, file: Any) -> dict[str, np.ndarray]:
    root = _child(path, file, "model_weights") if "model_weights" in file else file
    if "layer_names" in root.attrs:
        keys = [
            f"{layer}/{weight}"
            for layer in _names(path, root, "layer_names")
            for weight in _names(path, _child(path, root, layer), "weight_names")
        ]
    elif "layers" in root:
        keys = _data_sets(path, _child(path, root, "layers"), "layers", depth=0)
    else:
        raise WeightsError(
            f"{path}: an HDF5 file, but not Keras's: neither 'layer_names' nor 'layers'"
        )
    data = {key: _data_set(path, root, key) for key in keys}
    check_expansion(
        path, sum(item.size * item.dtype.itemsize for item in data.values())
    )
    return {key: np.asarray(item[()]) for key, item in data.items()}


def _names(path: Path, group: Any, attribute: str) -> list[str]:
    # Keras splits a list over 64 KiB into attributes NAME0, NAME1, ...
    if attribute in group.attrs:
        parts = [attribute]
    else:
        numbered = (f"{attribute}{number}" for number in range(len(group.attrs)))
        parts = [part for part in numbered if part in group.attrs]
    names: list[str] = []
    for part in parts:
        stored = group.attrs.get_id(part)
        if math.prod(stored.shape) * stored.dtype.itemsize > _MAX_ATTRIBUTE:
            raise WeightsError(f"{path}: attribute {part} is over 1 MiB")
        values = np.atleast_1d(group.attrs[part]).tolist()
        names += [item.decode() if isinstance(item, bytes) else item for item in values]
    if not all(isinstance(name, str) and name for name in names):
        raise WeightsError(f"{path}: attribute {attribute} is no list of names")
    return names


def _child(path: Path, group: Any, name: str) -> Any:
    """`group[name]`, refusing links that lead into other files on the way."""
    import h5py

    for part in name.split("/"):
        if not isinstance(group, h5py.Group) or part not in group:
            raise WeightsError(f"{path}: {name!r:.80} is missing; get the file again")
        if isinstance(group.get(part, getlink=True), h5py.ExternalLink):
            raise WeightsError(f"{path}: {name!r:.80} points to another file; refused")
        group = group[part]
    return group


def _data_set(path: Path, root: Any, key: str) -> Any:
    import h5py

    item = _child(path, root, key)
    if not isinstance(item, h5py.Dataset):
        raise WeightsError(f"{path}: {key!r:.80} is no array")
    if item.external or item.is_virtual:
        raise WeightsError(f"{path}: {key!r:.80} points to another file; refused")
    if item.dtype.hasobject:
        raise WeightsError(f"{path}: {key!r:.80} has type {item.dtype}, not numbers")
    return item


def _data_sets(path: Path, group: Any, prefix: str, *, depth: int) -> list[str]:
    import h5py

    if depth > 16:
        raise WeightsError(f"{path}: groups nested over 16 deep; damaged")
    keys = []
    for name in group:
        child = _child(path, group, name)
        if isinstance(child, h5py.Group):
            keys += _data_sets(path, child, f"{prefix}/{name}", depth=depth + 1)
        elif isinstance(child, h5py.Dataset):
            keys.append(f"{prefix}/{name}")
    return keys
