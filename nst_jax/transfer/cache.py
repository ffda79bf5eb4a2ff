"""Arrays that are kept beyond their use, within bounds."""

import threading
from collections.abc import Callable, Hashable

import numpy as np

from nst_jax.recent import Recent


class Cache:
    """Called with a key and what makes an array of it; makes it once, while kept.

    Several threads may ask; what two ask for at a time is made twice.
    """

    def __init__(self, most: int):
        """Keeps so many bytes at most; those asked for last."""
        self._lock = threading.Lock()
        self._kept: Recent[Hashable, np.ndarray]
        self._kept = Recent(most, lambda array: array.nbytes)

    def __call__(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array of a key."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        made = make()
        with self._lock:
            self._kept[key] = made
        return made
