"""The one thread that owns the device: it paints what is asked for, job by job."""

import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nst_jax.errors import NoRoomError, NstError, plain
from nst_jax.web import records
from nst_jax.web.easel import DiscardedError, Easel
from nst_jax.web.ledger import Ledger
from nst_jax.web.pictures import Pictures
from weights_convert.errors import WeightsError

if TYPE_CHECKING:
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser

Makers = Callable[[], tuple["Optimiser", "Passes"]]
"""Gives what paints, when the first job comes: JAX is imported then."""


class Painter:
    """Takes jobs of a ledger, one after the other, in a thread of its own."""

    def __init__(self, ledger: Ledger, pictures: Pictures, makers: Makers):
        """Starts nothing yet."""
        self._ledger, self._pictures, self._makers = ledger, pictures, makers
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the thread, if it doesn't run yet."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="nst-jax painter", daemon=True
                )
                self._thread.start()

    def join(self, seconds: float) -> bool:
        """Waits for the thread to end; returns whether it did."""
        with self._lock:
            thread = self._thread
        if thread is None:
            return True
        thread.join(seconds)
        return not thread.is_alive()

    def _run(self) -> None:
        made: tuple[Optimiser, Passes] | None = None
        while (record := self._ledger.next()) is not None:
            easel = Easel(self._ledger, self._pictures, record)
            try:
                made = made or self._makers()
                changes = self._painted(easel, *made)
            except DiscardedError:
                changes = {}
            except (NstError, WeightsError) as error:
                changes = _failed(easel, str(error))
            except MemoryError:
                changes = _failed(easel, str(NoRoomError()))
            except Exception as error:  # A fault of ours ends a job, not the server.
                self._ledger.report(traceback.format_exc())
                line = f"internal error: {type(error).__name__}: {error}"
                changes = _failed(easel, line)
            self._ledger.end(record.id, **changes)

    def _painted(
        self, easel: Easel, optimiser: "Optimiser", passes: "Passes"
    ) -> dict[str, Any]:
        record = easel.record
        if record.order.kind == "apply":
            return passes.paint(easel)
        if not record.resume and not record.preview and self._ledger.watched:
            self._preview(easel, passes)
        return optimiser.paint(easel)

    def _preview(self, easel: Easel, passes: "Passes") -> None:
        try:
            passes.preview(easel)
        except (NstError, WeightsError, OSError) as error:
            easel.line(f"no preview: {error}")  # It is only an extra.


def _failed(easel: Easel, line: str) -> dict[str, Any]:
    """What a job that can't be painted is to change; it may have a picture already."""
    error = plain(easel.named(line))
    state = records.FAILED
    if easel.record.resume and easel.path(records.RESULT).is_file():
        state = records.STOPPED
    return {
        "state": state,
        "phase": state,
        "error": error,
        "seconds": easel.seconds,
    }


def made(*, offline: bool, cache: str | None) -> Any:
    """The makers of a server: programs that were compiled are kept between runs.

    Args:
      offline: don't fetch weights that aren't stored.
      cache: where compiled programs are kept; see `programs.keep_compiled_programs`.
    """
    from nst_jax.devices import programs
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser
    from weights_convert import store

    programs.keep_compiled_programs(cache, store.home() / "xla")
    return Optimiser(offline=offline), Passes()
