"""The one thread that owns the device: it paints what is asked for, job by job."""

import contextlib
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from nst_jax.errors import NoRoomError, NstError, plain
from nst_jax.images.source import Report
from nst_jax.options import Options
from nst_jax.web import records
from nst_jax.web.easel import DiscardedError, Easel
from nst_jax.web.ledger import Ledger
from nst_jax.web.pictures import Pictures
from nst_jax.web.records import Record
from weights_convert.errors import WeightsError

if TYPE_CHECKING:
    from nst_jax.networks.network import Network
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser

_PAUSE = 0.5
"""Seconds after a fault of what hands out jobs."""


class Hands(NamedTuple):
    """What paints.

    Attributes:
      optimiser: jobs that are optimised.
      passes: jobs of one pass.
      previews: previews, by a thread of its own.
    """

    optimiser: "Optimiser"
    passes: "Passes"
    previews: "Passes"


Makers = Callable[[], Hands]
"""Gives what paints, in the thread that paints: JAX is imported then."""


class Painter:
    """Takes jobs of a ledger, one after the other, in a thread of its own."""

    def __init__(self, ledger: Ledger, pictures: Pictures, makers: Makers):
        """Starts nothing yet."""
        self._ledger, self._pictures, self._makers = ledger, pictures, makers
        self._lock, self._previewing = threading.Lock(), threading.Lock()
        self._thread: threading.Thread | None = None
        self._hands: Hands | None = None

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
        try:
            self._hands = self._makers()
        except Exception:  # Said of the job that needs it.
            self._report()
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Paints the next job; returns whether more may follow: no fault ends that."""
        record: Record | None = None
        try:
            record = self._ledger.next()
            if record is None:
                return False
            easel = Easel(self._ledger, self._pictures, record)
            self._ledger.end(record.id, **self._changes(easel))
        except Exception as error:
            self._report()
            if record is not None:
                self._give_up(record.id, f"internal error: {type(error).__name__}")
            time.sleep(_PAUSE)  # What goes wrong at once, again and again.
        return True

    def _give_up(self, identifier: str, line: str) -> None:
        """Ends a job whose end failed, so that it isn't at work for ever."""
        failed = {"state": records.FAILED, "phase": records.FAILED, "error": line}
        try:
            if self._ledger.is_at_work(identifier):
                self._ledger.end(identifier, **failed)
        except Exception:
            self._report()

    def _report(self) -> None:
        with contextlib.suppress(Exception):  # Such as a terminal that is gone.
            self._ledger.report(traceback.format_exc())

    def _changes(self, easel: Easel) -> dict[str, Any]:
        """Paints a job; returns what its record is to change, nothing: it goes."""
        try:
            self._hands = self._hands or self._makers()
            return self._painted(easel, self._hands)
        except DiscardedError:
            return {}
        except (NstError, WeightsError) as error:
            return _failed(easel, str(error))
        except MemoryError:
            return _failed(easel, str(NoRoomError()))
        except OSError as error:
            line = f"{error.filename or 'file'}: {error.strerror or error}"
            return _failed(easel, line)
        except Exception as error:  # A fault of ours ends a job, not the server.
            self._report()
            return _failed(easel, f"internal error: {type(error).__name__}: {error}")

    def _painted(self, easel: Easel, hands: Hands) -> dict[str, Any]:
        record = easel.record
        if record.order.kind == "apply":
            return hands.passes.paint(easel)
        if not record.resume and not record.preview and self._ledger.watchers.look_on:
            given = easel, hands.previews
            threading.Thread(target=self._preview, args=given, daemon=True).start()
        return hands.optimiser.paint(easel)

    def _preview(self, easel: Easel, previews: "Passes") -> None:
        """Shows a job's picture by one pass, while its program is being compiled."""
        if not self._previewing.acquire(blocking=False):
            return  # That of another job is on its way still.
        try:
            previews.preview(easel)
        except Exception:  # It is only an extra.
            self._report()
        finally:
            self._previewing.release()


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


def made(*, offline: bool, cache: str | None) -> Hands:
    """The hands of a server: programs that were compiled are kept between runs.

    Args:
      offline: don't fetch weights that aren't stored.
      cache: where compiled programs are kept; see `programs.keep_compiled_programs`.
    """
    from nst_jax.devices import programs
    from nst_jax.perceptual.network import network_of
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser
    from weights_convert import store

    programs.keep_compiled_programs(cache, store.home() / "xla")

    def load(options: Options, report: Report) -> "Network":
        return network_of(options, offline=offline, report=report)

    return Hands(Optimiser(load), Passes(), Passes())
