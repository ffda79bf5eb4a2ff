"""An atelier whose hands need no network: each picture is grey, and takes no time."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from nst_jax.errors import NstError
from nst_jax.images import encode
from nst_jax.web import records
from nst_jax.web.atelier import Atelier
from nst_jax.web.easel import Easel
from nst_jax.web.limits import Limits
from nst_jax.web.painter import Hands

SOON = 20.0


def png(height: int = 24, width: int = 32, **how: Any) -> bytes:
    """The bytes of a PNG file of waves."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([np.sin(x / 3), np.sin(y / 4), np.cos(x / 5)], -1) / 2 + 0.5
    return encode.encode(image, "PNG", description=how.get("description"))


class Grey:
    """Paints as `Optimiser` does, as far as a job's record goes.

    Attributes:
      held: a job waits after its first iteration as long as this isn't set.
      wrong: raised instead of painting the next job.
      seen: whether somebody wanted a picture, of each iteration.
    """

    def __init__(self) -> None:
        self.held = threading.Event()
        self.held.set()
        self.wrong: Exception | None = None
        self.seen: list[bool] = []

    def paint(self, easel: Easel) -> dict[str, Any]:
        if self.wrong is not None:
            wrong, self.wrong = self.wrong, None
            raise wrong
        record = easel.record
        image = np.full((record.height, record.width, 3), 0.5, np.float32)
        ended = records.DONE
        for iteration in range(record.iteration, record.steps + 1):
            if easel.is_to_end:
                ended = records.STOPPED
                easel.path(records.STATE).write_bytes(b"state")
                break
            self.seen.append(easel.wants_picture)
            if self.seen[-1]:
                easel.show(image)
            easel.reach([(iteration, 1 / (1 + iteration))], iteration=iteration)
            while not self.held.wait(0.01) and not easel.is_to_end:
                pass
        about: dict[str, Any] = {"options": {"size": 64, "steps": record.steps}}
        kept = easel.keep(image, description=about, bits=8, alpha=None)
        return {"state": ended, "phase": ended, **kept}

    def preview(self, easel: Easel) -> bool:
        easel.preview(np.zeros((8, 8, 3), np.float32))
        return True


def atelier(folder: Path, grey: Grey, **how: Any) -> Atelier:
    """An atelier that paints grey."""
    lines: list[str] = how.pop("lines", [])
    limits = Limits(**how)
    hands = Hands(grey, grey, grey)  # type: ignore[arg-type]
    return Atelier(folder, limits=limits, report=lines.append, makers=lambda: hands)


def until(is_so: Any, seconds: float = SOON) -> None:
    """Waits for something, which another thread does."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.005)


def ended(atelier: Atelier, identifier: str, seconds: float = SOON) -> dict[str, Any]:
    """A job, once it is neither waiting nor at work."""
    until(lambda: atelier.job(identifier)["state"] in records.ENDED, seconds)
    return atelier.job(identifier)


def refused(call: Any, kind: type[NstError]) -> str:
    """The line that a call is refused with."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"not refused as {kind.__name__}")
