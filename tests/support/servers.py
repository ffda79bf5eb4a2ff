"""Servers on this machine that answer as a test has them answer."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator

Handler = http.server.BaseHTTPRequestHandler


@contextlib.contextmanager
def answering(answer: Callable[[Handler], None]) -> Iterator[str]:
    """A server, by its address, whose every GET is answered by a function."""

    class Answering(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # Who asked has had enough.
                answer(self)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as httpd:
        httpd.daemon_threads = True
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()
            thread.join()


def send(
    handler: Handler, content: bytes, *, length: int | None = None, status: int = 200
) -> None:
    """Sends a file; `length` is what is said of it if that is not the truth."""
    handler.send_response(status)
    size = len(content) if length is None else length
    handler.send_header("Content-Length", str(size))
    handler.end_headers()
    handler.wfile.write(content)
