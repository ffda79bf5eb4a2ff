"""What a pickle inside a PyTorch file may name: tensors, storages, ordered dicts."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.pickles import StandIn, brief, read_pickle

# torch.FloatStorage and so on, as little-endian numpy; bfloat16 is carried as uint16.
STORAGES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "DoubleStorage": np.dtype("<f8"),
        "FloatStorage": np.dtype("<f4"),
        "HalfStorage": np.dtype("<f2"),
        "BFloat16Storage": np.dtype("<u2"),
        "LongStorage": np.dtype("<i8"),
        "IntStorage": np.dtype("<i4"),
        "ShortStorage": np.dtype("<i2"),
        "CharStorage": np.dtype("i1"),
        "ByteStorage": np.dtype("u1"),
        "BoolStorage": np.dtype("?"),
    }
)

# State dicts hold a few hundred tensors; a pickle of megabytes is no state dict.
MAX_PICKLE = 16 << 20


# Named tuples, not dataclasses: a pickle's BUILD can rewrite a dataclass after its
# numbers were checked, frozen or not, and has no way into a tuple.
class Storage(NamedTuple):
    """A storage as the pickle names it: where its bytes are is the container's job.

    `key` is its name in the container, `numel` its length in elements, `view` an
    offset in elements into it (only very old files have one).
    """

    key: str
    kind: str
    numel: int
    view: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one element."""
        return STORAGES[self.kind]


class Tensor(NamedTuple):
    """A strided view of a storage; offset and strides count elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Dict(dict[Any, Any]):
    """Stands in for OrderedDict; state dicts also carry `_metadata`, dropped here."""

    def __setstate__(self, state: object) -> None:
        pass


def _rebuild_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, *_: Any
) -> Tensor:
    if not isinstance(storage, Storage):
        raise WeightsError("a tensor without a storage")
    for numbers in ((offset,), shape, strides):
        if not isinstance(numbers, tuple) or not all(
            type(number) is int and 0 <= number < 1 << 62 for number in numbers
        ):
            raise WeightsError(f"a tensor with offset, size or stride {brief(numbers)}")
    if len(shape) != len(strides) or len(shape) > 32:
        raise WeightsError(f"a tensor of {len(shape)} sizes and {len(strides)} strides")
    return Tensor(storage, offset, shape, strides)


def _rebuild_parameter(data: Any, *_: Any) -> Tensor:
    if not isinstance(data, Tensor):
        raise WeightsError("a parameter without a tensor")
    return data


def _refuse_call(*_: Any) -> None:
    raise WeightsError("a storage type called as a function")


_ALLOWED: Mapping[tuple[str, str], StandIn] = MappingProxyType(
    {
        ("collections", "OrderedDict"): StandIn("OrderedDict", _Dict),
        ("torch", "Size"): StandIn("Size", tuple),
        ("torch._utils", "_rebuild_tensor"): StandIn("tensor", _rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): StandIn("tensor", _rebuild_tensor),
        ("torch._utils", "_rebuild_parameter"): StandIn("param", _rebuild_parameter),
        **{("torch", kind): StandIn(kind, _refuse_call) for kind in STORAGES},
    }
)


def _storage(pid: Any) -> Storage:
    # ("storage", type, key, location, numel[, (view key, view offset, view numel)])
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        raise WeightsError(f"an unknown persistent id {brief(pid)}")
    kind, key, numel = pid[1], pid[2], pid[4]
    if not isinstance(kind, StandIn) or kind.name not in STORAGES:
        raise WeightsError(f"a storage of unknown type {brief(kind)}")
    if not isinstance(key, str) or type(numel) is not int or not 0 <= numel < 1 << 62:
        raise WeightsError(f"a storage with key {brief(key)} and length {brief(numel)}")
    view = 0
    if len(pid) == 6 and pid[5] is not None:
        metadata = pid[5]
        if not isinstance(metadata, tuple) or len(metadata) != 3:
            raise WeightsError(f"a storage view {brief(metadata)}")
        view = metadata[1]
        if type(view) is not int or not 0 <= view < 1 << 62:
            raise WeightsError(f"a storage view at {brief(view)}")
    return Storage(key, kind.name, numel, view)


def read_state(stream: BinaryIO) -> Any:
    """Reads one pickle of a PyTorch file and leaves `stream` behind its end.

    Returns:
      Dicts, lists, tuples, strings and numbers, with `Tensor` and `Storage` in them.

    Raises:
      WeightsError: the pickle asks for anything else, or is damaged.
    """
    return read_pickle(
        stream,
        _ALLOWED,
        most=MAX_PICKLE,
        advice="save the model's state_dict() instead",
        persistent=_storage,
    )
