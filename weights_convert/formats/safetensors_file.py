"""safetensors files: this project's own store, or anyone's with a known naming.

Layout: https://github.com/huggingface/safetensors (a JSON header, then the bytes);
its library checks names, types, lengths and overlaps before it hands anything out.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from weights_convert.errors import WeightsError

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def matches(path: Path) -> bool:
    """Whether the file starts with a length and a JSON object."""
    with path.open("rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:] == b"{" and head[6:8] == b"\0\0"


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads every tensor.

    Args:
      path: a safetensors file.

    Returns:
      `{key: array}` under the file's own keys (bfloat16 as float32).

    Raises:
      WeightsError: the file is truncated or damaged, or has a type unknown here.
    """
    try:
        tensors = safetensors.deserialize(path.read_bytes())
    except Exception as error:  # SafetensorError, and what it lets through
        raise WeightsError(
            f"{path}: truncated or damaged safetensors file ({error}); get it again"
        ) from error
    return {key: _array(path, key, tensor) for key, tensor in tensors}


def read_metadata(path: Path) -> dict[str, str]:
    """The header's `__metadata__` strings; `{}` where there are none.

    Raises:
      WeightsError: the header is damaged.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            metadata = json.loads(file.read(length)).get("__metadata__", {})
        return {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path}: damaged safetensors header ({error})") from error


def _array(path: Path, key: str, tensor: dict[str, Any]) -> np.ndarray:
    kind = tensor["dtype"]
    if kind not in _TYPES:
        raise WeightsError(
            f"{path}: {key!r:.60} has type {kind}; known are {', '.join(_TYPES)}"
        )
    array = np.frombuffer(tensor["data"], _TYPES[kind]).reshape(tensor["shape"])
    if kind == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
