"""The real server of the page on a tiny network, and a browser that opens it."""

import base64
import contextlib
import gc
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nst_jax.web import server as servers
from nst_jax.web.atelier import Atelier
from nst_jax.web.painter import Hands
from nst_jax.web.records import ENDED

TOKEN = "a-token-of-the-tests"
SECONDS = 240.0
"""In which anything must have come; machines of the gate are small and busy."""

QUICK = {
    "kind": "optimise",
    "photo": "photo-cat",
    "paintings": ["painting-swirls"],
    "preset": "classic",
    "options": {"size": 64, "steps": 12},
}
"""A job that takes a moment."""
LONG = {**QUICK, "options": {"size": 64, "steps": 10_000}}

_DROP = """([selector, files]) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), one => one.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type: 'image/png'}));
  }
  const on = {dataTransfer: transfer, bubbles: true, cancelable: true};
  const target = document.querySelector(selector);
  for (const kind of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(kind, on));
  }
}"""


def chromium() -> str:
    """The path of the browser.

    Raises:
      FileNotFoundError: it isn't there.
    """
    path = os.environ.get("NST_CHROMIUM", "/usr/bin/chromium")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(
            f"{path} is no browser: install Chromium (Debian: apt-get install "
            "chromium), or name one by NST_CHROMIUM"
        )
    return path


class Site:
    """A server that runs, and what it serves."""

    def __init__(self, atelier: Atelier, server: servers.Server):
        self.atelier, self.server = atelier, server
        self.address = server.address()
        self.origin = self.address.partition("/?")[0]

    def jobs(self, state: str = "") -> list[dict[str, Any]]:
        """All jobs, or those of a state, as the queue has them."""
        found = [job for job in self.atelier.jobs() if state in ("", job["state"])]
        return sorted(found, key=lambda job: (job["place"] or 0, job["created"]))

    def painted(self, asked: dict[str, Any] = QUICK) -> dict[str, Any]:
        """A job that is done."""
        job = self.atelier.submit(asked)
        until(lambda: self.atelier.job(job["id"])["state"] in ENDED)
        done = self.atelier.job(job["id"])
        assert done["state"] == "done", done
        return done

    def clear(self) -> None:
        """Removes all jobs."""
        for job in reversed(self.jobs()):
            if job["state"] in ENDED:
                self.atelier.remove(job["id"])
            else:
                self.atelier.discard(job["id"])
        until(lambda: not self.jobs())


@contextlib.contextmanager
def serving(folder: Path, hands: Callable[[], Hands], port: int = 0) -> Iterator[Site]:
    """A server of a folder, in a thread of its own."""
    lines: list[str] = []
    atelier = Atelier(folder, report=lines.append, makers=hands)
    server = servers.Server(
        atelier,
        servers.bound("127.0.0.1", port),
        body_bytes=2**24,
        report=lines.append,
        token=TOKEN,
    )
    thread = threading.Thread(target=server.serve_until_stopped, daemon=True)
    thread.start()
    try:
        yield Site(atelier, server)
    finally:
        # Not before it listens to being stopped.
        until(lambda: server.started or not thread.is_alive())
        server.stop()
        thread.join(SECONDS)
        atelier.close()
        with warnings.catch_warnings():
            # Uvicorn leaves what connects at the last moment to the process's end.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
    assert not lines, lines


def until(is_so: Callable[[], Any], seconds: float = SECONDS) -> None:
    """Waits for something that another thread does."""
    ends = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


def dropped(page: Any, selector: str, *files: tuple[str, bytes]) -> None:
    """Drops files, by name and bytes, on an element."""
    sent = [(name, base64.b64encode(content).decode()) for name, content in files]
    page.evaluate(_DROP, [selector, sent])


def filled(page: Any, *, size: int = 64, steps: int = 12) -> None:
    """Fills the form with two examples and little work, by clicks."""
    page.click("#photo-examples li:first-child button")
    page.click("#painting-examples li:last-child button")
    page.press("#cards input[value=classic]", "Space")
    sized(page, "size", size)
    sized(page, "steps", steps)


def sized(page: Any, name: str, value: float) -> None:
    """Types what a slider is to be."""
    field = page.locator(f".slider:has(#slider-{name}) .exact")
    field.fill(str(value))
    field.press("Tab")


def reads(page: Any, selector: str, pattern: str) -> str:
    """An element's text, as soon as it has what is waited for."""
    from playwright.sync_api import expect

    found = page.locator(selector)
    expect(found).to_have_text(re.compile(pattern), timeout=SECONDS * 1000)
    return str(found.text_content())
