"""lengstrom/fast-style-transfer: TensorFlow's variables in the order they were made.

`Variable`, `Variable_1`, ..., three a layer: kernel, shift, scale. They come as a
folder with a `manifest.json` and a raw float32 file for each (ml5.js), or as `.npz`.
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.architectures.transformer import LENGSTROM
from weights_convert.errors import WeightsError
from weights_convert.stylizers.stylizer import Stylizer

_NAME = re.compile(r"Variable(?:_([1-9][0-9]?))?(?::0)?")
_MANIFEST = "manifest.json"
_LARGEST = 1 << 28  # Bytes of one variable, at most.


def is_folder(path: Path) -> bool:
    """Whether a folder has a manifest of variables."""
    return (path / _MANIFEST).is_file()


def read_folder(path: Path) -> dict[str, np.ndarray]:
    """The variables of a folder.

    Raises:
      WeightsError: a manifest that isn't one; files that are missing or too short.
    """
    try:
        manifest: Any = json.loads((path / _MANIFEST).read_bytes())
        arrays = {}
        for name, entry in manifest.items():
            file, shape = str(entry["filename"]), [int(n) for n in entry["shape"]]
            size = 4 * math.prod(shape)
            if Path(file).name != file or not 0 < size <= _LARGEST or min(shape) < 1:
                raise WeightsError(f"{path / _MANIFEST}: {name!r:.80} is no variable")
            found = (path / file).stat().st_size
            if found != size:
                raise WeightsError(
                    f"{path / file}: has {found} bytes, expected {size}; get it again"
                )
            arrays[name] = np.fromfile(path / file, "<f4").reshape(shape)
        return arrays
    except OSError as error:
        raise WeightsError(f"{error.filename}: {error.strerror}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{path / _MANIFEST}: no list of variables with their shapes"
        ) from error


def matches(arrays: Mapping[str, np.ndarray]) -> bool:
    """Whether arrays are named as TensorFlow names variables without a name."""
    return "Variable" in arrays or "Variable:0" in arrays


def convert(arrays: Mapping[str, np.ndarray]) -> Stylizer:
    """The network of the variables; an optimiser's among them are left out.

    Raises:
      WeightsError: there are fewer than the network has.
    """
    numbered = {}
    for name, array in arrays.items():
        if fits := _NAME.fullmatch(name):
            numbered[int(fits[1] or 0)] = array
    needed = 3 * len(LENGSTROM.layers)
    missing = [n for n in range(needed) if n not in numbered]
    if missing:
        raise WeightsError(
            f"Variable_{missing[0]} is missing: lengstrom's network has {needed} of "
            "them, from Variable to "
            f"Variable_{needed - 1}"
        )
    found = {}
    for place, layer in enumerate(LENGSTROM.layers):
        kernel, offset, scale = (numbered[3 * place + n] for n in range(3))
        # The transposed ones are [h, w, out, in]: a convolution's gradient.
        transposed = layer.upsample and kernel.ndim == 4
        found[f"{layer.name}/kernel"] = (
            kernel.transpose(0, 1, 3, 2) if transposed else kernel
        )
        found[f"{layer.name}/offset"] = offset
        found[f"{layer.name}/scale"] = scale
    return Stylizer(LENGSTROM, found, "lengstrom/fast-style-transfer")
