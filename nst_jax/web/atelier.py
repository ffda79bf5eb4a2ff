"""The atelier: photos and paintings come in, jobs wait, pictures are painted."""

import dataclasses
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import resize
from nst_jax.images.frames import Shape
from nst_jax.options import Options
from nst_jax.transfer.jobs import can_grow
from nst_jax.transfer.sizes import ratio
from nst_jax.web import (
    catalogue,
    examples,
    ledger,
    networks,
    orders,
    painter,
    private,
    records,
    sayings,
    shown,
)
from nst_jax.web.ledger import Ledger
from nst_jax.web.limits import Limits
from nst_jax.web.orders import Order
from nst_jax.web.pictures import Pictures
from nst_jax.web.records import Record
from nst_jax.web.refusals import AbsentError, LimitError
from nst_jax.web.shown import Shown
from nst_jax.web.uploads import Uploads
from nst_jax.web.watchers import Tell

DEFAULT = Limits()
_FILES = {"live": records.LIVE, "thumbnail": records.THUMBNAIL}
KINDS = ("live", "thumbnail", "preview", "photo")
"""Pictures of a job that are shown."""


class Atelier:
    """All that the page does, for threads of any number; one thread paints.

    Every method may raise an `NstError`: an `AbsentError` for what isn't there, a
    `LimitError` for what is too much, a `ConflictError` for what a job's state doesn't
    allow, others for what is wrong with what was asked. No method takes a path.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits = DEFAULT,
        offline: bool = False,
        compilation_cache_dir: str | None = None,
        report: Callable[[str], None] = print,
        makers: painter.Makers | None = None,
    ):
        """Reads the history back; jobs that wait go on.

        Args:
          folder: of jobs and uploads, made for the user alone; of one server at a time.
          limits: of it.
          offline: don't fetch weights that aren't stored.
          compilation_cache_dir: where compiled programs are kept; see
            `devices.programs.keep_compiled_programs`.
          report: takes lines for whoever runs the server.
          makers: what paints; None: the networks that options name.

        Raises:
          OptionsError: a folder that can't be used.
        """
        self._limits = limits
        private.folder(folder)  # What is within is for the user alone too.
        self._ledger = Ledger(folder, limits, report)
        self._uploads = Uploads(folder / "uploads", limits, report)
        self._pictures = Pictures(self._uploads)
        self._uploads.clean(self._ledger.needed())

        def own() -> painter.Hands:
            return painter.made(offline=offline, cache=compilation_cache_dir)

        self._painter = painter.Painter(self._ledger, self._pictures, makers or own)
        if self._ledger.waiting:
            self._painter.start()

    # Pictures.

    def upload(self, body: bytes, name: str) -> dict[str, Any]:
        """Takes in a picture that was sent; returns it as JSON has it."""
        needed = self._ledger.needed()
        upload = self._uploads.add(body, name, needed, self._ledger.free)
        self._painter.start()  # What paints is loaded while people choose.
        return upload.told()

    def upload_picture(self, id: str, longest: int | None = None) -> Shown:
        """An upload as it is shown."""
        self._uploads.get(id)
        return self._pictures.shown(id, longest, self._limits.live_side)

    def example_picture(self, id: str, longest: int | None = None) -> Shown:
        """An example, or the card of a preset, as it is shown."""
        if id not in examples.found():
            raise AbsentError(f"there is no example {id!r:.40}")
        return self._pictures.shown(id, longest, self._limits.live_side)

    # Jobs.

    def submit(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Checks what is asked for and has it wait; returns the job as JSON has it."""
        known = networks.here() if _is_pass(asked) else {}
        order = orders.parsed(asked, limits=self._limits, networks=known)
        for picture in order.pictures:
            if picture not in self._pictures or picture.startswith("preset-"):
                raise AbsentError(f"there is no picture {picture!r:.40}; send it")
        return self._begun(order)

    def _begun(self, order: Order, *, parent: str | None = None) -> dict[str, Any]:
        shape = self._pictures.shape(order.photo)
        orders.check_size(order, shape, self._limits)
        height, width = _size(order, shape, self._limits)
        identifier = secrets.token_hex(8)
        parent = self._start(order, identifier) or parent
        record = Record(
            id=identifier,
            order=order,
            created=time.time(),
            title=self._title(order),
            width=width,
            height=height,
            steps=order.chosen().steps if order.kind == "optimise" else 0,
            parent=parent,
        )
        try:
            self._ledger.add(record)
        except LimitError:
            self._ledger.shelf.remove(identifier)
            raise
        self._painter.start()
        return self._ledger.told(record)

    def _start(self, order: Order, identifier: str) -> str | None:
        """Keeps the picture that a job begins with; returns the job that made it."""
        if order.start is None:
            return None
        parent = None
        if order.start in self._pictures:
            source = self._pictures.path(order.start)
        else:
            parent = self._ledger.get(order.start).id
            source, _ = self.result(parent)
        place = self._ledger.shelf.path(identifier, records.START)
        try:
            place.parent.mkdir(mode=0o700, exist_ok=True)
            private.write(place, source.read_bytes())
        except OSError as error:
            raise LimitError(f"no room for the start ({error.strerror})") from error
        return parent

    def _title(self, order: Order) -> str:
        photo, *others = (
            Path(self._pictures.name(one)).stem
            for one in (order.photo, *order.paintings)
        )
        if order.network and not others:
            others = [order.network.replace("_", " ")]
        return f"{photo}, {' + '.join(others)}"

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, as JSON has them: the one at work, the queue, the history."""
        return self._ledger.jobs()

    def job(self, id: str) -> dict[str, Any]:
        """A job, with `losses`: `[[iteration, loss], ...]`."""
        record = self._ledger.get(id)
        points = records.thinned(record.losses, self._limits.points)
        losses = [[at, loss] for at, loss in points]
        return {**self._ledger.told(record), "losses": losses}

    def stop(self, id: str) -> dict[str, Any]:
        """Ends a job within a chunk of iterations; its best picture is kept."""
        return self._ledger.told(self._ledger.wish(id, ledger.STOP))

    def discard(self, id: str) -> dict[str, Any]:
        """Ends a job, if it is at work, and removes it.

        One that waits to go on is stopped again instead, and keeps its picture.
        """
        return self._ledger.told(self._ledger.wish(id, ledger.DISCARD))

    def remove(self, id: str) -> dict[str, Any]:
        """Removes a job that isn't at work, with its pictures.

        One that waits to go on is stopped again instead, and keeps its picture.
        """
        return self._ledger.told(self._ledger.remove(id))

    def move(self, id: str, before: str | None) -> dict[str, Any]:
        """Has a job that waits do so before another, or behind all."""
        if before is not None and not isinstance(before, str):
            raise OptionsError("before is the id of a job that waits, or null")
        self._ledger.move(id, before)
        return self._ledger.told(self._ledger.get(id))

    def go_on(self, id: str, steps: int = 100) -> dict[str, Any]:
        """Has a job that ended make more iterations; returns that job, or a new one.

        Where its state is kept it goes on exactly from there: by so many iterations, or
        through the sizes that are left of a pyramid. Elsewhere a new job begins with
        its picture, at full size.
        """
        whole = isinstance(steps, int) and not isinstance(steps, bool)
        if not whole or not 1 <= steps <= self._limits.steps:
            raise OptionsError(
                f"steps={steps!r:.20}: give a whole number, 1 to {self._limits.steps}"
            )

        def until(record: Record) -> int:
            grows = can_grow(record.order.chosen())
            return record.iteration + steps if grows else record.steps

        record = self._ledger.go_on(id, until)
        if record is None:
            order = self._ledger.get(id).order
            return self._begun(_again(order, id, steps), parent=id)
        self._painter.start()
        return self._ledger.told(record)

    # What comes of them.

    def picture(self, id: str, kind: str) -> Shown:
        """A picture of a job: live, thumbnail, preview or photo."""
        record = self._ledger.get(id)
        if kind == "photo":
            return self._photo(record)
        if kind == "preview":
            return self._file(record, records.PREVIEW)
        if kind not in _FILES:
            raise OptionsError(
                f"{kind!r:.40} is no picture of a job: {', '.join(KINDS)}"
            )
        at_work = record.state in records.AT_WORK
        if at_work and (content := self._ledger.live(id)):
            return shown.shown(content)
        if kind == "thumbnail" and not self._ledger.shelf.has(id, records.THUMBNAIL):
            return self._photo(record)  # Until there is something of it.
        return self._file(record, _FILES[kind])

    def _file(self, record: Record, name: str) -> Shown:
        try:
            path = self._ledger.shelf.path(record.id, name)
            return shown.shown(path.read_bytes())
        except OSError:
            raise AbsentError(f"job {record.id} has no such picture yet") from None

    def _photo(self, record: Record) -> Shown:
        """The photo as the result shows it: cropped, if that is asked for."""
        order = record.order
        part = ratio(order.chosen().crop) if order.kind == "optimise" else None
        if part is None:
            return self._pictures.shown(order.photo, None, self._limits.live_side)
        path = self._ledger.shelf.path(record.id, records.PHOTO)
        try:
            return shown.shown(path.read_bytes())
        except OSError:
            pass
        photo, side = self._pictures.path(order.photo), self._limits.live_side
        try:
            with self._uploads.decoding:
                content = shown.jpeg_of(photo, side, ratio=part)
            private.write(path, content)
        except ImageError as error:
            raise AbsentError(f"the photo of job {record.id} is gone") from error
        except OSError as error:
            self._ledger.report(f"{path}: not written ({error.strerror})")
        return shown.shown(content)

    def result(self, id: str) -> tuple[Path, str]:
        """The file of a job's picture, PNG with its options, and a name for it."""
        record = self._ledger.get(id)
        path = self._ledger.shelf.path(id, records.RESULT)
        if not path.is_file():
            raise AbsentError(f"job {id} has no picture yet")
        stem = "_".join(record.title.replace("+", ",").replace(",", " ").split())
        return path, f"{stem}.png"

    def command(self, id: str) -> dict[str, str]:
        """A job as a command for a shell, and as lines of Python."""
        record = self._ledger.get(id)
        longest = max(record.width, record.height)
        return sayings.said(record.order, self._pictures, record.steps, longest=longest)

    def catalogue(self) -> dict[str, Any]:
        """What can be asked for."""
        return catalogue.catalogue(self._limits)

    def watch(self, tell: Tell) -> Callable[[], None]:
        """Has events told to `tell`, in any thread, until what this gives is called."""
        return self._ledger.watchers.watch(tell)

    def close(self, seconds: float = 10.0) -> None:
        """Ends within a chunk of iterations, and keeps the state of what is at work.

        Args:
          seconds: to wait for that; what is compiled until then waits again at the next
            start.
        """
        self._ledger.close()
        if not self._painter.join(seconds):
            self._ledger.put_back()


def _is_pass(asked: Any) -> bool:
    return isinstance(asked, Mapping) and asked.get("kind") == "apply"


def _size(order: Order, shape: Shape, limits: Limits) -> Shape:
    """Height and width of a result."""
    if order.kind == "apply":
        longest = order.chosen_of_pass().longest
        return resize.fit(*shape, longest or min(max(shape), limits.side))
    options = order.chosen()
    crop = ratio(options.crop)
    part = resize.cropped(shape, crop) if crop else shape
    size = options.size
    return resize.fit(*part, size if isinstance(size, int) else max(part))


def _again(order: Order, identifier: str, steps: int) -> Order:
    """More iterations at full size, from the picture of a job."""
    options: dict[str, Any] = {**order.options, "pyramid": 1, "steps": steps}
    chosen: Options = order.chosen()
    if chosen.finish_loss != "none":
        options |= {"style_loss": chosen.finish_loss, "finish_loss": "none"}
    return dataclasses.replace(order, options=options, start=identifier)
