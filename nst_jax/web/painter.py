"""The one thread that owns the device: it paints what is asked for, job by job."""

import threading
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
from weights_convert.errors import WeightsError

if TYPE_CHECKING:
    from nst_jax.networks.network import Network
    from nst_jax.web.one_pass import Passes
    from nst_jax.web.optimising import Optimiser


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
        hands: Hands | None = None
        try:
            hands = self._makers()
        except Exception:  # Said of the job that needs it.
            self._ledger.report(traceback.format_exc())
        while (record := self._ledger.next()) is not None:
            easel = Easel(self._ledger, self._pictures, record)
            try:
                hands = hands or self._makers()
                changes = self._painted(easel, hands)
            except DiscardedError:
                changes = {}
            except (NstError, WeightsError) as error:
                changes = _failed(easel, str(error))
            except MemoryError:
                changes = _failed(easel, str(NoRoomError()))
            except OSError as error:
                line = f"{error.filename or 'file'}: {error.strerror or error}"
                changes = _failed(easel, line)
            except Exception as error:  # A fault of ours ends a job, not the server.
                self._ledger.report(traceback.format_exc())
                line = f"internal error: {type(error).__name__}: {error}"
                changes = _failed(easel, line)
            self._ledger.end(record.id, **changes)

    def _painted(self, easel: Easel, hands: Hands) -> dict[str, Any]:
        record = easel.record
        if record.order.kind == "apply":
            return hands.passes.paint(easel)
        if not record.resume and not record.preview and self._ledger.watched:
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
            self._ledger.report(traceback.format_exc())
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
