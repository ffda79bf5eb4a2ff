"""Arrays that are kept beyond their use, within bounds."""

import threading
from collections.abc import Callable, Hashable

import cachetools
import numpy as np


class Cache:
    """Called with a key and what makes an array of it; makes it once, while kept.

    Several threads may ask; what two ask for at a time is made twice.
    """

    def __init__(self, most: int):
        """Keeps so many bytes at most; those asked for last."""
        self._most, self._lock = most, threading.Lock()
        self._kept: cachetools.LRUCache[Hashable, np.ndarray]
        self._kept = cachetools.LRUCache(most, getsizeof=lambda array: array.nbytes)

    def __call__(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of a key."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        made = make()
        with self._lock:
            if made.nbytes <= self._most:
                self._kept[key] = made
        return made
