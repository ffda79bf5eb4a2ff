"""The server of the page: by uvicorn, in the main thread, until it is stopped."""

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Collection, Iterator

import uvicorn

from nst_jax.errors import OptionsError
from nst_jax.web.app import application
from nst_jax.web.atelier import Atelier
from nst_jax.web.connections import Connection
from nst_jax.web.events import Hub
from nst_jax.web.guard import HEAD_BYTES, Guard, Keys

CONNECTIONS = 128
"""At a time; more are answered by 503."""
_GRACE = 3  # Seconds for answers that are on their way when the server ends.


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
      host: a name or an address of this machine.
      port: 0: any that is free.

    Raises:
      OptionsError: the port is taken, or the address isn't this machine's.
    """
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        # With its protocol, or asyncio leaves Nagle's delay of 40 ms an answer.
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(CONNECTIONS)
        except BaseException:
            listener.close()
            raise
    except OverflowError:
        raise OptionsError(f"port={port}: give 1 to 65535, or 0 for any") from None
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            line = "it is taken; give another, or 0 for any that is free"
            raise OptionsError(f"port={port}: {line}") from None
        reason = getattr(error, "strerror", None) or error
        raise OptionsError(
            f"host={host}, port={port}: can't be listened on ({reason}); give others"
        ) from None
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach a socket."""
    address = listener.getsockname()[0].partition("%")[0]
    return ipaddress.ip_address(address).is_loopback


class Server(uvicorn.Server):
    """Serves an atelier on a socket.

    Attributes:
      keys: what lets in.
      signal: the number of the signal that ended it, or None.
    """

    def __init__(
        self,
        atelier: Atelier,
        listener: socket.socket,
        *,
        body_bytes: int,
        report: Callable[[str], None],
        token: str = "",
        names: Collection[str] = (),
        log: Callable[[str], None] | None = None,
    ):
        """Serves nothing yet.

        Args:
          atelier: what is served.
          listener: see `bound`.
          body_bytes: of an upload, at most.
          report: takes what goes wrong.
          token: that lets in; one is made if there is none.
          names: of the server besides those of loopback, as addresses have them.
          log: takes a line a request.
        """
        self.signal: int | None = None
        self._listener, self._hub = listener, Hub(atelier.watch)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self.keys = Keys(listener.getsockname()[1], token)
        is_open = not is_loopback(listener)
        guarded = Guard(
            application(atelier, self._hub),
            self.keys,
            body_bytes=body_bytes,
            report=report,
            names=[*names, socket.gethostname()] if is_open else names,
            any_address=is_open,
            log=log,
        )
        config = uvicorn.Config(
            guarded,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="critical",  # The guard reports; strangers' errors are none.
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=CONNECTIONS,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_GRACE,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
        super().__init__(config)

    def address(self, *, once: bool = False) -> str:
        """The address that lets in.

        Args:
          once: only the first who opens it.
        """
        host, port = self._listener.getsockname()[:2]
        if ipaddress.ip_address(host.partition("%")[0]).is_unspecified:
            host = socket.gethostname()
        host = f"[{host}]" if ":" in host else host
        token = self.keys.ticket() if once else self.keys.token
        return f"http://{host}:{port}/?token={token}"

    def serve_until_stopped(self, *, opens: bool = False) -> None:
        """Serves until a signal, or `stop`.

        Args:
          opens: a browser too.
        """
        if opens:
            given = (self.address(once=True),)
            threading.Thread(target=webbrowser.open, args=given, daemon=True).start()
        self.run(sockets=[self._listener])

    def stop(self) -> None:
        """Ends it, from any thread."""
        if self._loop is None:  # It hasn't begun, and ends as soon as it has.
            self._ended.set()
            return
        with contextlib.suppress(RuntimeError):  # It has ended.
            self._loop.call_soon_threadsafe(self._ended.set)

    # What uvicorn does in another way.

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Has signals end the server; uvicorn would raise them once more."""
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = [
            number
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            # What is ignored, as nohup asks for, stays so.
            if signal.getsignal(number) is not signal.SIG_IGN
        ]
        for number in numbers:
            self._loop.add_signal_handler(number, self._note, number)
        try:
            yield
        finally:
            for number in numbers:
                self._loop.remove_signal_handler(number)

    def _note(self, number: int) -> None:
        self.force_exit = self.signal is not None
        self.signal = self.signal or number
        self._ended.set()

    async def main_loop(self) -> None:
        """Waits for the end; uvicorn would look for it ten times a second."""
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends streams of events, which never end by themselves, then all else."""
        self._hub.close()
        await super().shutdown(sockets)
