"""The job that is at work, as what paints it sees it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst_jax.images import files
from nst_jax.web import private, records, shown
from nst_jax.web.ledger import DISCARD, Ledger
from nst_jax.web.pictures import Pictures
from nst_jax.web.records import Point, Record

_THUMBNAIL = 320


class DiscardedError(Exception):
    """The job at work is to be given up, and nothing kept of it."""


class Easel:
    """A job at work: what it is made of, how far it is, what it gives.

    Attributes:
      ledger: that knows of it.
      pictures: uploads and examples.
      id: of the job.
    """

    def __init__(self, ledger: Ledger, pictures: Pictures, record: Record):
        """Begins to count its time."""
        self.ledger, self.pictures, self.id = ledger, pictures, record.id
        self._points = list(record.losses)
        self._before, self._began = record.seconds, time.monotonic()
        self._shown_at = self._saved_at = 0.0

    @property
    def record(self) -> Record:
        """What is known of it now."""
        return self.ledger.get(self.id)

    @property
    def seconds(self) -> float:
        """That it took so far, all told."""
        return self._before + time.monotonic() - self._began

    @property
    def is_to_end(self) -> bool:
        """Whether somebody asked to stop it, or the server ends.

        Raises:
          DiscardedError: nothing is to be kept.
        """
        wish = self.ledger.wished(self.id)
        if wish == DISCARD:
            raise DiscardedError
        return wish is not None

    def path(self, name: str) -> Path:
        """A file of the job's folder."""
        return self.ledger.shelf.path(self.id, name)

    def line(self, text: str) -> None:
        """Takes a line for the user, in which pictures have their own names."""
        line = self.named(text.removeprefix("nst-jax: "))
        self.ledger.line(self.id, line.replace("--", ""))

    def named(self, text: str) -> str:
        """A text without this machine's paths."""
        order = self.record.order
        for picture in order.pictures:
            if picture in self.pictures:  # Its file may be lost, and the job fails.
                path = str(self.pictures.path(picture))
                text = text.replace(path, self.pictures.name(picture))
        return text.replace(str(self.path("")), "job").replace("job/", "")

    def phase(self, text: str, **changes: Any) -> None:
        """Says what is being done."""
        self.ledger.change(self.id, save=False, phase=text, **changes)
        self.ledger.tell_jobs()

    def reach(self, points: Sequence[Point], **changes: Any) -> None:
        """Tells how far it is, with the losses since the last time."""
        good = [(at, loss) for at, loss in points if records.finite(loss) is not None]
        self._points += good
        limit = self.ledger.limits.points
        if len(self._points) > 4 * limit:
            self._points = [*records.thinned(self._points, 2 * limit)]
        begins = self.record.state != records.PAINTING
        changes |= {"state": records.PAINTING, "seconds": self.seconds}
        losses = tuple(self._points)
        save = begins or self._has_newer_state()
        self.ledger.change(self.id, save=save, losses=losses, **changes)
        if begins:
            self.ledger.tell_jobs()
        self.ledger.tell_progress(self.id, good)

    def _has_newer_state(self) -> bool:
        """Whether a state was written: what is known is to be as far, at least."""
        try:
            written = self.path(records.STATE).stat().st_mtime
        except OSError:
            return False
        newer, self._saved_at = written > self._saved_at, written
        return newer

    @property
    def wants_picture(self) -> bool:
        """Whether somebody looks on, and it is time for another picture."""
        due = self._shown_at + self.ledger.limits.live_seconds
        return time.monotonic() >= due and self.ledger.watchers.look_on

    def show(self, image: np.ndarray) -> None:
        """Takes the picture so far, `[h, w, 3]` in [0, 1]."""
        content = shown.jpeg(image, self.ledger.limits.live_side)
        self.ledger.put_live(self.id, content)
        self._shown_at = time.monotonic()

    def preview(self, image: np.ndarray) -> None:
        """Takes about what it will be, `[h, w, 3]` in [0, 1]; too late it is dropped.

        To be called from another thread than the job's, too.
        """
        content = shown.jpeg(image, self.ledger.limits.live_side)
        if self.ledger.is_at_work(self.id):
            private.write(self.path(records.PREVIEW), content)
            self.ledger.change(self.id, save=False, preview=1)
            self.ledger.tell_jobs()

    def keep(
        self,
        image: np.ndarray,
        *,
        description: dict[str, Any],
        bits: int,
        alpha: np.ndarray | None,
    ) -> dict[str, Any]:
        """Writes the picture; returns what a job that has it is to change.

        Args:
          image: `[h, w, 3]` in [0, 1].
          description: for its metadata.
          bits: of a channel, in the file.
          alpha: `[h, w]` in [0, 1], or None.

        Raises:
          ImageError: it can't be written.
        """
        path = self.path(records.RESULT)
        files.write(path, image, description=description, bits=bits, alpha=alpha)
        path.chmod(0o600)
        side = self.ledger.limits.live_side
        private.write(self.path(records.LIVE), shown.jpeg(image, side))
        private.write(self.path(records.THUMBNAIL), shown.jpeg(image, _THUMBNAIL))
        height, width = image.shape[:2]
        size = {"width": width, "height": height}
        return {"version": self.record.version + 1, "seconds": self.seconds, **size}
