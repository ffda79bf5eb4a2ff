"""Photos to train on: shuffled, cropped, decoded by threads, in an order of their own.

Which photos a batch has, and which part of each, follows from the seed and its number
alone, however many threads there are: a training that goes on sees what it would have
seen. Pillow decodes without Python's lock, so that threads suffice; `grain` (tried:
docs/feedforward.md) brings processes, and their memory, for the same.
"""

import collections
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import crops, files, kinds

_AHEAD = 4  # Batches.
_BROKEN = 20  # In a row, from which on the folder is at fault.


class Photos:
    """Batches of random squares, for ever; an iterator.

    Attributes:
      position: places of the endless list of photos that were used or found broken.
      broken: files that couldn't be read, by path.
      waited: seconds that the caller waited for batches.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        size: int,
        batch: int,
        seed: int,
        position: int = 0,
        threads: int | None = None,
        read: Callable[..., np.ndarray] = crops.random_square,
    ):
        """Begins to read.

        Args:
          paths: of photos, in an order that stays.
          size: of the squares.
          batch: squares at a time.
          seed: of order and places.
          position: to go on from.
          threads: that decode; default: one a core, eight at most.
          read: see `crops.random_square`.

        Raises:
          OptionsError: no photos.
        """
        if not paths:
            raise OptionsError("no photos to train on: check --images")
        self.position, self.broken, self.waited = position, dict[str, str](), 0.0
        self._paths, self._size, self._batch = list(paths), size, batch
        self._seed, self._read = seed, read
        self._pool = ThreadPoolExecutor(threads or min(8, os.cpu_count() or 1))
        self._order: dict[int, np.ndarray] = {}
        self._asked = position
        self._reading: collections.deque[Future[np.ndarray | ImageError]]
        self._reading = collections.deque()

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        """`[batch, size, size, 3]` uint8.

        Raises:
          ImageError: many photos in a row can't be read.
        """
        began = time.perf_counter()
        squares: list[np.ndarray] = []
        wrong = 0
        while len(squares) < self._batch:
            while len(self._reading) < _AHEAD * self._batch:
                self._reading.append(self._pool.submit(self._one, self._asked))
                self._asked += 1
            found = self._reading.popleft().result()
            place, self.position = self.position, self.position + 1
            if isinstance(found, ImageError):
                self.broken[str(self._path(place))] = str(found)
                wrong += 1
                if wrong >= max(_BROKEN, 2 * len(self._paths)):
                    raise found
                continue
            squares.append(found)
            wrong = 0
        self.waited += time.perf_counter() - began
        return np.stack(squares)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, place: int) -> np.ndarray | ImageError:
        try:
            rng = np.random.default_rng([self._seed, place])
            return self._read(self._path(place), self._size, rng)
        except ImageError as error:
            return error

    def _path(self, place: int) -> Path:
        epoch, index = divmod(place, len(self._paths))
        if epoch not in self._order:
            shuffled = np.random.default_rng([self._seed, epoch, 1]).permutation(
                len(self._paths)
            )
            self._order = {
                epoch: shuffled,
                **{e: o for e, o in self._order.items() if e >= epoch - 1},
            }
        return self._paths[self._order[epoch][index]]


def readable(
    paths: Sequence[Path], count: int, say: Callable[[str], None]
) -> list[Path]:
    """The first photos that can be read; others are said to be left out.

    Args:
      paths: at least one.
      count: of the photos, at most.
      say: takes lines for the user.

    Raises:
      ImageError: none can be read.
    """
    found: list[Path] = []
    for path in paths:
        if len(found) == count:
            break
        try:
            files.read(path)
            found.append(path)
        except ImageError as error:
            if path is paths[-1] and not found:
                raise
            say(f"nst-jax: left out: {error}")
    return found


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder and those below, sorted.

    Args:
      folder: to look in.

    Raises:
      OptionsError: no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise OptionsError(f"images={folder}: no such folder")
    endings = kinds.endings()
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in endings and path.name[0] != "." and path.is_file()
    )
    if not found:
        raise OptionsError(f"images={folder}: holds no pictures")
    return found
