"""Pickles, read without running anything of them.

A pickle is a program: it names functions and calls them. Two gates stand before it.
First the opcodes are walked without executing them (`pickletools.genops`), and only
those that are written for arrays, dicts, lists, strings and numbers may pass. Then a
`pickle.Unpickler` runs whose `find_class` knows the names that a format allows and
returns stand-ins of ours for them; any other name is refused by that name.
"""

import io
import pickle
import pickletools
import reprlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from weights_convert.errors import WeightsError

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


class StandIn:
    """What `find_class` returns: callable, and closed to BUILD."""

    __slots__ = ("build", "name")

    def __init__(self, name: str, build: Callable[..., Any]) -> None:
        self.name = name
        self.build = build

    def __call__(self, *args: Any) -> Any:
        """What is made of a call's arguments."""
        return self.build(*args)

    def __setstate__(self, state: object) -> None:
        raise WeightsError(f"its pickle tries to alter {self.name}: refused")


Allowed = Mapping[tuple[str, str], StandIn]
"""What stands in for what a pickle may name, by module and name."""


def _no_identifiers(identifier: object) -> Any:
    raise WeightsError(f"an unknown persistent id {brief(identifier)}")


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, data: bytes, names: Callable[[str, str], StandIn], persistent: Any
    ) -> None:
        # Latin-1 reads any byte: Python 2 wrote its strings without an encoding.
        super().__init__(io.BytesIO(data), encoding="latin1")
        self._names, self._persistent = names, persistent

    def find_class(self, module: str, name: str, /) -> Any:
        return self._names(module, name)

    def persistent_load(self, pid: Any, /) -> Any:
        return self._persistent(pid)


def brief(value: object) -> str:
    """A short `repr`, which no value from a hostile pickle can make long or slow."""
    return f"{reprlib.repr(value):.60}"


def _refusal(name: str, advice: str) -> WeightsError:
    return WeightsError(
        f"its pickle asks for {name[:80]!r}, which is neither array, dict nor number:"
        f" refused, nothing of it was run; {advice}"
    )


def read_pickle(
    stream: BinaryIO,
    allowed: Allowed,
    *,
    most: int,
    advice: str,
    persistent: Callable[[Any], Any] = _no_identifiers,
) -> Any:
    """Reads one pickle and leaves `stream` behind its end.

    Args:
      stream: a seekable binary stream, standing at a pickle.
      allowed: what the pickle may name.
      most: bytes that it may have.
      advice: what to do about one that names more.
      persistent: what its persistent identifiers stand for.

    Returns:
      Dicts, lists, tuples, strings and numbers, with what stand-ins return in them.

    Raises:
      WeightsError: the pickle asks for anything else, or is damaged.
    """

    def stand_in(module: str, name: str) -> StandIn:
        if (module, name) not in allowed:
            raise _refusal(f"{module}.{name}", advice)
        return allowed[module, name]

    try:
        data = _walk(stream, stand_in, most, advice)
        return _Unpickler(data, stand_in, persistent).load()
    except WeightsError:
        raise
    except MemoryError:
        raise WeightsError("its pickle asks for more memory than there is") from None
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error) or type(error).__name__
        raise WeightsError(f"its pickle is damaged ({reason:.80})") from error


def _walk(
    stream: BinaryIO, stand_in: Callable[[str, str], StandIn], most: int, advice: str
) -> bytes:
    """One pickle's bytes, from the stream's position to its STOP, opcodes checked."""
    start, tuples = stream.tell(), 0
    # From memory: of a file, genops reads as many bytes as an opcode claims, at once.
    head = io.BytesIO(stream.read(most))
    for opcode, argument, position in _opcodes(head, most):
        length = position or 0
        if opcode.name in ("GLOBAL", "INST"):
            module, _, name = str(argument).partition(" ")
            stand_in(module, name)
        if opcode.name not in _OPCODES:
            raise _refusal(f"pickle opcode {opcode.name}", advice)
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
    head: io.BytesIO, most: int
) -> Iterator[tuple[pickletools.OpcodeInfo, object, int | None]]:
    try:
        yield from pickletools.genops(head)
    except ValueError:
        if len(head.getbuffer()) == most:
            raise WeightsError("its pickle is too large for a state dict") from None
        raise
