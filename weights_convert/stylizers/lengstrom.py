"""lengstrom/fast-style-transfer: TensorFlow's variables in the order they were made.

`Variable`, `Variable_1`, ..., three a layer: kernel, shift, scale. They come as a
folder with a `manifest.json` and a raw float32 file for each (ml5.js), or as `.npz`.
"""

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.architectures.transformer import LENGSTROM
from weights_convert.errors import WeightsError
from weights_convert.stylizers.stylizer import Arrays, Stylizer

DESCRIPTION = "lengstrom's variables (a folder, .npz)"

_NAME = re.compile(r"Variable(?:_([1-9][0-9]?))?(?::0)?")
_MANIFEST = "manifest.json"
_LARGEST = 1 << 28  # Bytes of one variable, at most.
_LONGEST = 1 << 20  # Bytes of the manifest, at most; ml5's has 5 kB.
_MAX_AXES = 8


def is_folder(path: Path) -> bool:
    """Whether a folder has a manifest of variables."""
    return (path / _MANIFEST).is_file()


def read_folder(path: Path) -> dict[str, np.ndarray]:
    """The variables of a folder.

    Raises:
      WeightsError: a manifest that isn't one; files that are missing or too short.
    """
    place = path / _MANIFEST
    try:
        if place.stat().st_size > _LONGEST:
            raise WeightsError(f"{place}: too long for a list of variables")
        manifest: Any = json.loads(place.read_bytes())
        files = {name: str(entry["filename"]) for name, entry in manifest.items()}
        if len(set(files.values())) < len(files):
            raise WeightsError(f"{place}: names a file twice")
        return {
            name: _variable(place, name, file, manifest[name]["shape"])
            for name, file in files.items()
        }
    except OSError as error:
        name = error.filename or path
        raise WeightsError(f"{name}: {error.strerror or error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{place}: no list of variables with their shapes"
        ) from error


def _variable(place: Path, name: str, file: str, shape: Any) -> np.ndarray:
    good = isinstance(shape, list) and 0 < len(shape) <= _MAX_AXES
    if not good or not all(isinstance(n, int) and 0 < n < _LARGEST for n in shape):
        raise WeightsError(f"{place}: {name!r:.80} has the shape {shape!s:.40}")
    beside, size = place.parent / file, 4 * math.prod(shape)
    if Path(file).name != file or size > _LARGEST:
        raise WeightsError(f"{place}: {name!r:.80} is no variable beside it")
    if (found := beside.stat().st_size) != size:
        raise WeightsError(
            f"{beside}: has {found} bytes, expected {size}; get it again"
        )
    return np.fromfile(beside, "<f4").reshape(shape)


def matches(files: Mapping[str, Arrays]) -> bool:
    """Whether there is one, named as TensorFlow names variables without a name."""
    first = ("Variable", "Variable:0")
    return len(files) == 1 and any(n in one for one in files.values() for n in first)


def convert(files: Mapping[str, Arrays]) -> Stylizer:
    """The network of the variables; an optimiser's among them are left out.

    Raises:
      WeightsError: there are fewer than the network has.
    """
    (arrays,) = files.values()
    numbered: dict[int, np.ndarray] = {}
    for name, array in arrays.items():
        if fits := _NAME.fullmatch(name):
            numbered[int(fits[1] or 0)] = array
    needed = 3 * len(LENGSTROM.layers)
    missing = [n for n in range(needed) if n not in numbered]
    if missing:
        raise WeightsError(
            f"variable {missing[0]} is missing: lengstrom's network has {needed} of"
            f" them, from Variable to Variable_{needed - 1}"
        )
    # Their second ones, shifts, say how many channels the layers have.
    first, second, third, wide, narrow = (
        int(numbered[3 * place + 1].size) for place in (0, 1, 2, 13, 14)
    )
    made = dataclasses.replace(
        LENGSTROM, contract=(first, second, third), expand=(wide, narrow)
    )
    found = {}
    for place, layer in enumerate(made.layers):
        kernel, offset, scale = (numbered[3 * place + n] for n in range(3))
        # The transposed ones are [h, w, out, in]: a convolution's gradient.
        transposed = layer.upsample and kernel.ndim == 4
        found[f"{layer.name}/kernel"] = (
            kernel.transpose(0, 1, 3, 2) if transposed else kernel
        )
        found[f"{layer.name}/offset"] = offset
        found[f"{layer.name}/scale"] = scale
    return Stylizer(made, found, "lengstrom/fast-style-transfer")
