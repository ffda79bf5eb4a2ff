"""A store of its own for each test, and a server that fails in the ways servers do."""

import contextlib
import dataclasses
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[2] / "support" / "fixtures"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.delenv("NST_JAX_MIRROR", raising=False)
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def fixtures() -> Path:
    return FIXTURES


@dataclasses.dataclass
class Server:
    """`payload` at every path. `cuts`: bytes to send before closing, one a request.

    `ranges` says whether it honours Range, `status` answers with an error instead,
    `range_status` to a Range; `hang` answers nothing until `release`. `drip`: so many
    bytes at once, with so many seconds between.
    """

    url: str = ""
    payload: bytes = b""
    cuts: list[int] = dataclasses.field(default_factory=list)
    ranges: bool = True
    status: int = 200
    range_status: int = 200
    drip: tuple[int, float] | None = None
    statuses: list[int] = dataclasses.field(default_factory=list)
    hang: bool = False
    release: threading.Event = dataclasses.field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # who asked has had enough
                self._answer()

        def _answer(self) -> None:
            wanted = self.headers.get("Range")
            state.requests.append((self.path, wanted))
            if state.hang:
                state.release.wait(10)
                return
            status = state.statuses.pop(0) if state.statuses else state.status
            if wanted and status == 200:
                status = state.range_status
            if status != 200:
                self.send_error(status)
                return
            start = int(wanted[6:-1]) if wanted and state.ranges else 0
            if start > len(state.payload):
                self.send_error(416)
                return
            size = len(state.payload)
            self.send_response(206 if wanted and state.ranges else 200)
            self.send_header("Content-Length", str(size - start))
            if wanted and state.ranges:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.end_headers()
            body = state.payload[start:]
            body = body[: state.cuts.pop(0)] if state.cuts else body
            size, pause = state.drip or (len(body) or 1, 0)
            for place in range(0, len(body), size):
                self.wfile.write(body[place : place + size])
                if state.release.wait(pause):
                    return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_address[1]}"
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield state
        state.release.set()
        httpd.shutdown()
        thread.join()
