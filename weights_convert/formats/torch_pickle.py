"""The pickle inside a PyTorch file, read without running anything of it.

A pickle is a program: it names functions and calls them. Two gates stand before it.
First the opcodes are walked without executing them (`pickletools.genops`), and only
those that `torch.save` writes for tensors, dicts, lists, strings and numbers may pass.
Then a `pickle.Unpickler` runs whose `find_class` knows the names in `_ALLOWED` and
returns stand-ins of ours for them; any other name is refused by that name.
"""

import io
import pickle
import pickletools
import reprlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from weights_convert.errors import WeightsError

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
# Hashing a tuple recurses without a limit: some 100,000 nested ones end the process.
_MAX_TUPLES = 20_000

_OPCODE_NAMES = """
    PROTO FRAME STOP MARK POP POP_MARK GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID
    NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT
    STRING BINSTRING SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
    BINBYTES SHORT_BINBYTES EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST LIST
    APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS PUT BINPUT LONG_BINPUT MEMOIZE GET
    BINGET LONG_BINGET DUP"""
_OPCODES = frozenset(_OPCODE_NAMES.split())


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


class _StandIn:
    """What `find_class` returns: callable, and closed to BUILD."""

    __slots__ = ("build", "name")

    def __init__(self, name: str, build: Callable[..., Any]) -> None:
        self.name = name
        self.build = build

    def __call__(self, *args: Any) -> Any:
        return self.build(*args)

    def __setstate__(self, state: object) -> None:
        raise WeightsError(f"its pickle tries to alter {self.name}: refused")


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


_ALLOWED: Mapping[tuple[str, str], _StandIn] = MappingProxyType(
    {
        ("collections", "OrderedDict"): _StandIn("OrderedDict", _Dict),
        ("torch", "Size"): _StandIn("Size", tuple),
        ("torch._utils", "_rebuild_tensor"): _StandIn("tensor", _rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): _StandIn("tensor", _rebuild_tensor),
        ("torch._utils", "_rebuild_parameter"): _StandIn("param", _rebuild_parameter),
        **{("torch", kind): _StandIn(kind, _refuse_call) for kind in STORAGES},
    }
)


def _storage(pid: Any) -> Storage:
    # ("storage", type, key, location, numel[, (view key, view offset, view numel)])
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        raise WeightsError(f"an unknown persistent id {brief(pid)}")
    kind, key, numel = pid[1], pid[2], pid[4]
    if not isinstance(kind, _StandIn) or kind.name not in STORAGES:
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


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise WeightsError(_refusal(f"{module}.{name}")) from None

    def persistent_load(self, pid: Any, /) -> Storage:
        return _storage(pid)


def brief(value: object) -> str:
    """A short `repr`, which no value from a hostile pickle can make long or slow."""
    return f"{reprlib.repr(value):.60}"


def _refusal(name: str) -> str:
    return (
        f"its pickle asks for {name[:80]!r}, which is neither tensor, dict nor number:"
        " refused, nothing of it was run; save the model's state_dict() instead"
    )


def _walk(stream: BinaryIO) -> bytes:
    """One pickle's bytes, from the stream's position to its STOP, opcodes checked."""
    start, tuples = stream.tell(), 0
    # From memory: of a file, genops reads as many bytes as an opcode claims, at once.
    head = io.BytesIO(stream.read(MAX_PICKLE))
    for opcode, argument, position in _opcodes(head):
        length = position or 0
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            if (module, name) not in _ALLOWED:
                raise WeightsError(_refusal(f"{module}.{name}"))
        if opcode.name not in _OPCODES:
            raise WeightsError(_refusal(f"pickle opcode {opcode.name}"))
        # C's unpickler sizes its memo by the largest index: a forged one takes 64 GiB.
        if "PUT" in opcode.name and not 0 <= int(str(argument)) <= length:
            raise WeightsError(f"its pickle has memo index {argument}")
        tuples += "TUPLE" in opcode.name
        if tuples > _MAX_TUPLES:
            raise WeightsError("its pickle is too large for a state dict")
    data = head.getvalue()[: head.tell()]
    stream.seek(start + len(data))
    return data


def _opcodes(
    head: io.BytesIO,
) -> Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]:
    try:
        yield from pickletools.genops(head)
    except ValueError:
        if len(head.getbuffer()) == MAX_PICKLE:
            raise WeightsError("its pickle is too large for a state dict") from None
        raise


def read_pickle(stream: BinaryIO) -> Any:
    """Reads one pickle and leaves `stream` behind its end.

    Args:
      stream: a seekable binary stream, standing at a pickle.

    Returns:
      Dicts, lists, tuples, strings and numbers, with `Tensor` and `Storage` in them.

    Raises:
      WeightsError: the pickle asks for anything else, or is damaged.
    """
    try:
        data = _walk(stream)
        # Latin-1 reads any byte: Python 2 wrote its strings without an encoding.
        return _Unpickler(io.BytesIO(data), encoding="latin1").load()
    except WeightsError:
        raise
    except MemoryError:
        raise WeightsError("its pickle asks for more memory than there is") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error) or type(error).__name__
        raise WeightsError(f"its pickle is damaged ({reason:.80})") from error
