"""A server of the page in a thread, and what asks it as a browser or a program does."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from nst_jax.web.atelier import Atelier
from nst_jax.web.server import Server, bound
from support.ateliers import Grey, atelier, png, until

TOKEN = "a-token-of-the-tests"
BODY = 1 << 20


class Site:
    """A server, and a session that has its cookie.

    Attributes:
      server: that runs.
      atelier: which it serves.
      grey: what paints there.
      said: what it reported.
      logged: its lines, one a request.
    """

    def __init__(self, folder: Path, **limits: Any):
        self.grey, self.said, self.logged = Grey(), [], []
        self.body = limits.setdefault("body_bytes", BODY)
        self.atelier: Atelier = atelier(folder, self.grey, lines=self.said, **limits)
        self.listener = bound("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.server = Server(
            self.atelier,
            self.listener,
            body_bytes=self.body,
            report=self.said.append,
            token=TOKEN,
            names=("studio.test",),
            log=self.logged.append,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.thread = threading.Thread(target=self.server.serve_until_stopped)

    def get(self, path: str, **how: Any) -> requests.Response:
        return self.session.get(self.url + path, timeout=20, **how)

    def post(self, path: str, body: Any = None, **how: Any) -> requests.Response:
        """An action, with the header that the page sends."""
        headers = {"X-NST-JAX": "1", **how.pop("headers", {})}
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self.session.post(
            self.url + path, timeout=20, headers=headers, **given, **how
        )

    def upload(self, name: str = "photo.png") -> str:
        """Sends a picture; returns its name there."""
        return self.post(f"/api/uploads?name={name}", png()).json()["id"]

    def submit(self, steps: int = 3) -> dict[str, Any]:
        """Asks for a picture of one that is sent."""
        photo, painting = self.upload(), self.upload("painting.png")
        options = {"size": 64, "steps": steps}
        asked = {"kind": "optimise", "photo": photo, "paintings": [painting]}
        answer = self.post("/api/jobs", {**asked, "options": options})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def raw(self, text: str | bytes, *, ends: bool = True) -> bytes:
        """What the server answers to these bytes, as far as it does at once."""
        given = text if isinstance(text, bytes) else text.encode("latin-1")
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.settimeout(20)
            connection.sendall(given)
            found = b""
            with contextlib.suppress(ConnectionError):
                while part := connection.recv(65536):
                    found += part
                    if not ends and b"\r\n\r\n" in found:
                        break
        return found

    def is_alive(self) -> bool:
        """Whether it answers as ever."""
        return self.get("/api/jobs").status_code == 200


@contextlib.contextmanager
def site(folder: Path, **limits: Any) -> Iterator[Site]:
    """A server that runs meanwhile."""
    made = Site(folder, **limits)
    made.thread.start()
    until(lambda: made.server.started)
    try:
        made.session.get(f"{made.url}/?token={TOKEN}", timeout=20)
        yield made
    finally:
        made.grey.held.set()
        made.server.stop()
        made.session.close()
        made.thread.join(20)
        made.atelier.close(20)
        assert not made.thread.is_alive()


def events(answer: requests.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each event of a stream, as it comes."""
    name = ""
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
