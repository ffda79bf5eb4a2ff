"""Values that are kept beyond their use, within bounds: those asked for last."""

import collections
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Keeps values by their key; forgets those that were asked for longest ago.

    A value that is larger than all may be together isn't kept. It has no lock.
    """

    def __init__(self, most: int, size: Callable[[Value], int] = lambda value: 1):
        """Keeps so much at most.

        Args:
          most: the sum of the sizes.
          size: of a value; default: 1 each.
        """
        self._most, self._size, self._used = most, size, 0
        self._values: collections.OrderedDict[Key, Value] = collections.OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value of a key, or None."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def __setitem__(self, key: Key, value: Value) -> None:
        if key in self._values:
            self._forget(key)
        size = self._size(value)
        if size > self._most:
            return
        while self._used + size > self._most:
            self._forget(next(iter(self._values)))
        self._values[key] = value
        self._used += size

    def __contains__(self, key: Any) -> bool:
        return key in self._values

    def _forget(self, key: Key) -> None:
        self._used -= self._size(self._values.pop(key))
