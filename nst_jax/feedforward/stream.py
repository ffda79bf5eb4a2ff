"""Pictures one after the other: reading, painting and writing at the same time."""

import collections
import queue
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import numpy as np

from nst_jax.devices import memory
from nst_jax.errors import NstError
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.masked import Where
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.prepared import Look, Prepared
from nst_jax.feedforward.stylizer import Style, Stylizer
from nst_jax.images.frames import Shape

Item = TypeVar("Item")
Made = TypeVar("Made")

_THREADS = 4  # That read, and as many that finish.
_AHEAD = 2  # Batches that are painted, or waited for, at a time.


class Overlapped(Generic[Item, Made]):
    """Paints items; several are read, painted and finished at a time, in their order.

    Attributes:
      painter: that paints.
      read: gives the photo of an item, and what it is to be painted like; in threads.
      finish: takes an item, its result and the seconds of that, in threads, and gives
        what is asked for.
      frame: of the shape in which a photo is painted; default: its own.
      most: pictures of a frame side by side, at most.
      mixed: frames in which some pictures are smaller.
    """

    def __init__(
        self,
        painter: Painter,
        read: Callable[[Item], tuple[np.ndarray, Look]],
        finish: Callable[[Item, np.ndarray, float], Made],
        *,
        frame: Callable[[Shape], Shape] | None = None,
        most: Callable[[Shape], int] | None = None,
        mixed: Collection[Shape] = (),
    ):
        """See the attributes."""
        self.painter, self.read, self.finish = painter, read, finish
        self.frame = frame or painter.frame
        self.most, self.mixed = most or (lambda frame: 1), mixed
        self._ready = 0.0  # When the device was last done.
        self._lanes: dict[Shape, int] = {}

    def of(self, items: Iterable[Item]) -> Generator[tuple[Item, Made | NstError]]:
        """Each item with what `finish` gives, or what is wrong with it.

        Items may come slowly: what is ready doesn't wait for those to come.
        """
        source = _Ahead(items, _AHEAD)
        readers, writers = (ThreadPoolExecutor(_THREADS) for _ in range(2))
        device = ThreadPoolExecutor(1)
        try:
            yield from self._flow(source, readers, device, writers)
        finally:
            source.close()
            for pool in (readers, device, writers):
                pool.shutdown(cancel_futures=True)

    def _flow(
        self,
        source: "_Ahead[Item]",
        readers: ThreadPoolExecutor,
        device: ThreadPoolExecutor,
        writers: ThreadPoolExecutor,
    ) -> Generator[tuple[Item, Made | NstError]]:
        reading: collections.deque[tuple[Item, Future[Prepared]]] = collections.deque()
        waiting: collections.deque[list[tuple[Item, Any]]] = collections.deque()
        ended, wrong = False, None
        while reading or waiting or not ended:
            ahead = max([_THREADS, *(_AHEAD * n for n in self._lanes.values())])
            while (
                not ended
                and len(reading) < ahead
                and (source.ready() or not (reading or waiting))
            ):
                try:
                    item = next(source)
                except StopIteration:
                    ended = True
                except Exception as error:  # Told after all that came before it.
                    ended, wrong = True, error
                else:
                    reading.append((item, readers.submit(self._prepared, item)))
            if reading:
                waiting.append(self._batch(reading, device, writers))
            slow = ended or not source.ready()
            if len(waiting) > _AHEAD or (slow and not reading):
                yield from self._done(waiting)
        if wrong is not None:
            raise wrong

    def _done(
        self, waiting: "collections.deque[list[tuple[Item, Any]]]"
    ) -> Generator[tuple[Item, Made | NstError]]:
        for item, future in waiting.popleft() if waiting else ():
            try:
                yield item, future.result()
            except NstError as error:
                yield item, error

    def _prepared(self, item: Item) -> Prepared:
        with self.painter.spent.on("read"):
            image, look = self.read(item)
            return self.painter.prepare(image, look)

    def _batch(
        self,
        reading: "collections.deque[tuple[Item, Future[Prepared]]]",
        device: ThreadPoolExecutor,
        writers: ThreadPoolExecutor,
    ) -> list[tuple[Item, Any]]:
        """Begins to paint the next pictures of one frame; their futures."""
        found: list[tuple[Item, Any]] = []
        batch: list[tuple[Item, Prepared]] = []
        frame, count = (0, 0), 1
        while reading and len(batch) < max(1, count):
            item, future = reading[0]
            try:
                prepared = future.result()
            except NstError:
                found.append(reading.popleft())
                continue
            its = self.frame(prepared.small.shape[:2])
            if batch and its != frame:
                break
            if its not in self._lanes:
                most, mixed = self.most(its), its in self.mixed
                self._lanes[its] = self.painter.lanes(its, most, mixed=mixed)
            frame, count = its, self._lanes[its]
            batch.append((item, prepared))
            reading.popleft()
        if batch:
            painted = self._dispatched(batch, count, frame, device)
            for number, (item, prepared) in enumerate(batch):
                arguments = item, prepared, painted, number
                found.append((item, writers.submit(self._finished, *arguments)))
        return found

    def _dispatched(
        self,
        batch: list[tuple[Item, Prepared]],
        count: int,
        frame: Shape,
        device: ThreadPoolExecutor,
    ) -> "Future[tuple[np.ndarray, float]]":
        compiled = self.painter.spent.compile
        began = time.perf_counter()
        pictures, mixed = [one for _, one in batch], frame in self.mixed
        painted = self.painter.paint(pictures, count, frame, mixed=mixed)
        began += self.painter.spent.compile - compiled

        def fetch() -> tuple[np.ndarray, float]:
            with memory.explained():
                fetched = np.asarray(painted)
            now = time.perf_counter()
            seconds = now - max(began, self._ready)
            self._ready = now
            self.painter.spent.add("paint", seconds)
            return fetched, seconds / len(batch)

        return device.submit(fetch)

    def _finished(
        self,
        item: Item,
        prepared: Prepared,
        painted: "Future[tuple[np.ndarray, float]]",
        number: int,
    ) -> Made:
        images, seconds = painted.result()
        with self.painter.spent.on("write"):
            image = self.painter.finish(prepared, images[number])
            return self.finish(item, image, seconds)


class _Ahead(Generic[Item]):
    """An iterator that a thread runs ahead of whoever asks it."""

    def __init__(self, items: Iterable[Item], most: int):
        self._queue: queue.Queue[Any] = queue.Queue(most)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(items,), daemon=True)
        self._thread.start()

    def __iter__(self) -> "_Ahead[Item]":
        return self

    def __next__(self) -> Item:
        kind, value = self._queue.get()
        if kind == "item":
            found: Item = value
            return found
        self._queue.put((kind, value))
        raise value

    def ready(self) -> bool:
        """Whether the next one is there."""
        return not self._queue.empty()

    def close(self) -> None:
        """Ends it, after the item that it is about to give."""
        self._closed.set()
        while not self._queue.empty():
            self._queue.get_nowait()
        self._thread.join(timeout=1)  # One that waits for others' input goes on.

    def _run(self, items: Iterable[Item]) -> None:
        try:
            for item in items:
                if not self._put("item", item):
                    return
        except BaseException as error:
            self._put("error", error)
        else:
            self._put("error", StopIteration())

    def _put(self, kind: str, value: Any) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put((kind, value), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


def stream(
    stylizer: Stylizer,
    images: Iterable[Any],
    style: Style = None,
    *,
    options: Options | None = None,
    smooth: int = 1,
    lanes: int = 1,
    mask: Any = None,
    keep_mask: Any = None,
    color_mask: Any = None,
) -> Iterator[np.ndarray]:
    """Painted pictures of an iterator, one after the other, as they come.

    While one is painted the next is taken from the iterator, by another thread, and
    the one before given.

    Args:
      stylizer: the network.
      images: `[h, w, 3]` each, float, sRGB in [0, 1], of any sizes.
      style: as the network takes it.
      options: strength, size of strokes, colours; their style doesn't count.
      smooth: frames over which to steady a clip; they have to be of one size.
      lanes: that are painted together: more are faster on a GPU, and come later.
      mask: white, or 1, where pictures are painted; as `nst_jax.stylize` takes masks,
        of any size, softened by `Options.mask_feather`.
      keep_mask: likewise where they stay as they are.
      color_mask: black, or 0, where they keep their colours.

    Yields:
      `[h, w, 3]` float32, sRGB in [0, 1], in their order.

    Raises:
      OptionsError: a style that the network hasn't.
      ImageError: a mask that can't be read, or isn't of a picture's aspect ratio.
      TooSmallError: a picture of which it sees nothing.
    """
    options = options or Options()
    where = Where.of(mask, keep_mask, color_mask, feather=options.mask_feather)
    painter = Painter(stylizer, options, smooth=smooth, where=where)
    look = painter.own(style)
    overlapped: Overlapped[Any, np.ndarray] = Overlapped(
        painter,
        lambda image: (np.asarray(image, np.float32), look),
        lambda _, image, seconds: image,
        most=lambda frame: lanes,
    )
    for _, result in overlapped.of(images):
        if isinstance(result, NstError):
            raise result
        yield result
