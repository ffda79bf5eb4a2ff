"""Protobuf's wire format, read field by field without recursion or copies.

Specification: https://protobuf.dev/programming-guides/encoding. A reader of our own,
because what the schema needs is three levels deep and mostly one field of floats. The
`protobuf` library would ask for a schema, copy half a gigabyte (its pure-Python backend
would make 144 million objects of it), and parse all that a hostile file nests. Here a
caller goes only into the fields that it knows, lengths are checked against the message
around them, nothing is allocated by a declared size, and the number of fields is
bounded.
"""

from collections.abc import Iterator

import numpy as np

from weights_convert.errors import WeightsError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
_NAMES = {VARINT: "number", FIXED64: "double", BYTES: "message", FIXED32: "float"}


class Budget:
    """Counts the fields read from a file and ends the reading of endless ones."""

    def __init__(self, fields: int):
        self._left = fields

    def spend(self) -> None:
        """Takes one field; raises WeightsError when there are no more."""
        self._left -= 1
        if self._left < 0:
            raise WeightsError("has more fields than any network; damaged or hostile")


class Field:
    """One field: its `number`, wire `kind`, and what it holds.

    `value` is an int for VARINT, else a view of the file: a message's content for
    BYTES, one or more little-endian numbers, end to end, for FIXED32 and FIXED64.
    """

    __slots__ = ("kind", "number", "value")

    def __init__(self, number: int, kind: int, value: "int | memoryview | np.ndarray"):
        self.number = number
        self.kind = kind
        self.value = value

    def integer(self) -> int:
        """The value of a VARINT; raises WeightsError if it is something else."""
        if not isinstance(self.value, int):
            raise self._wrong(VARINT)
        return self.value

    def content(self) -> memoryview:
        """The content of a BYTES; raises WeightsError if it is something else."""
        if not isinstance(self.value, memoryview):
            raise self._wrong(BYTES)
        return self.value

    def numbers(self, dtype: str) -> np.ndarray:
        """Floats, `[n]` of type `dtype`, whether they were packed or not."""
        wide = np.dtype(dtype).itemsize
        if self.kind == BYTES:
            content = self.content()
            if len(content) % wide:
                raise WeightsError(
                    f"damaged: {len(content)} bytes are no whole number of {dtype}"
                )
            return np.frombuffer(content, dtype)
        if _WIDTHS.get(self.kind) != wide or not isinstance(self.value, np.ndarray):
            raise self._wrong(FIXED32 if wide == 4 else FIXED64)
        return self.value.reshape(-1).view(dtype)

    def _wrong(self, expected: int) -> WeightsError:
        return WeightsError(
            f"damaged: field {self.number} is a {_NAMES[self.kind]}, expected a"
            f" {_NAMES[expected]}"
        )


def fields(data: memoryview, budget: Budget) -> Iterator[Field]:
    """The fields of one message, in the order of the file.

    Args:
      data: the message's content.
      budget: how many fields there may still be, in this and all other messages.

    Raises:
      WeightsError: while iterating, where the message ends within a field or holds
        what is not of the format.
    """
    position = 0
    while position < len(data):
        budget.spend()
        start = position
        tag, position = varint(data, position)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29 or kind not in _NAMES:
            raise WeightsError(f"damaged: no protobuf field has the tag {tag:#x}")
        if kind == VARINT:
            value, position = varint(data, position)
            yield Field(number, kind, value)
        elif kind == BYTES:
            size, position = varint(data, position)
            if size > len(data) - position:
                raise WeightsError(
                    f"truncated: field {number} has {len(data) - position} of {size}"
                    " bytes"
                )
            yield Field(number, kind, data[position : position + size])
            position += size
        else:
            width = _WIDTHS[kind]
            numbers = _run(data, start, position, width).reshape(-1, width)
            yield Field(number, kind, numbers)
            position = start + (position - start + width) * len(numbers)


def varint(data: memoryview, position: int) -> tuple[int, int]:
    """The base-128 number at `position`, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise WeightsError("truncated: it ends within a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, position
    raise WeightsError("damaged: a number of more than 10 bytes")


def _run(data: memoryview, start: int, content: int, width: int) -> np.ndarray:
    """Values of the field at `start` and its like right behind, bytes `[n, width]`.

    Unpacked floats have a tag each: millions, which are not for a loop of Python.
    """
    head = content - start
    stride = head + width
    whole = (len(data) - start) // stride
    if not whole:
        raise WeightsError("truncated: it ends within a float")
    if data[start + stride : content + stride] != data[start:content]:
        return np.frombuffer(data, np.uint8, width, content)  # alone
    rows = np.frombuffer(data, np.uint8, whole * stride, start).reshape(-1, stride)
    tag, count, step = rows[0, :head], 1, 64
    while count < whole:
        same = (rows[count : count + step, :head] == tag).all(1)
        if not same.all():
            count += int(same.argmin())
            break
        count += len(same)
        step *= 2  # a short run costs little, a long one few rounds
    return np.ascontiguousarray(rows[:count, head:])
