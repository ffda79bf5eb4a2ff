"""Photos as they are painted, what they are painted like, and how long it takes."""

import dataclasses
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax.monitoring
import numpy as np

_COMPILED = "/jax/core/compile/backend_compile_duration"


@dataclasses.dataclass(frozen=True)
class Look:
    """What a picture is painted like.

    Attributes:
      vector: `[n]`, as the network takes it; None of one that has one style.
      paintings: with their shares, `[h, w, 3]` in [0, 1], where each is to have the
        photo's colours first: then `vector` is made of them.
    """

    vector: np.ndarray | None
    paintings: tuple[tuple[np.ndarray, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A photo as it is painted.

    Attributes:
      photo: `[h, w, 3]` in [0, 1], of the result's size, in its own colours.
      content: the same, in the colours that the network is to see.
      small: `[h', w', 3]`, what is painted: `content`, or smaller for larger strokes.
      look: what it is painted like.
      squares: of paintings, with shares, that the predictor is to look at.
      own: of the photo, to be mixed with the paintings' style; None: not at all.
    """

    photo: np.ndarray
    content: np.ndarray
    small: np.ndarray
    look: Look
    squares: tuple[tuple[np.ndarray, float], ...]
    own: np.ndarray | None


@dataclasses.dataclass
class Spent:
    """Seconds of compiling, painting, reading and writing; of several threads."""

    compile: float = 0.0
    paint: float = 0.0
    read: float = 0.0
    write: float = 0.0
    _lock: Any = dataclasses.field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Adds what passes within it to one of these."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(what, time.perf_counter() - began)

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Adds what XLA compiles within it."""

        def listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
            if event == _COMPILED:
                self.add("compile", duration_secs)

        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            yield
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)

    def add(self, what: str, seconds: float) -> None:
        """Adds to one of these."""
        with self._lock:
            setattr(self, what, getattr(self, what) + seconds)
