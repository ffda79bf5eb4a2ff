"""The page in a browser: how soon a picture comes, what watching and waiting cost.

    python -m bench.page --output=bench/results/page/cpu.jsonl

Needs the extra `browser`, Debian's Chromium (or `NST_CHROMIUM`) and stored weights of
VGG-19. The pictures are the page's own examples.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import requests

from bench.runners.record import machine

if TYPE_CHECKING:  # It is there with the extra alone.
    from playwright.sync_api import Browser, Page

_SECONDS = 20.0  # Of watching, and of waiting.
_LIMIT = 600_000  # Milliseconds.
_WATCHERS = 10
_SHOWN = r"""known => {
  const {src} = document.querySelector('#picture');
  const match = /jobs\/([0-9a-f]+)\/picture/.exec(src);
  return match && !known.includes(match[1]);
}"""
"""Whether the stage has a live picture of a job that isn't known."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[psutil.Process, str, requests.Session]]:
    """A server in a process of its own: the process, its address, and a session."""
    command = [sys.executable, "-m", "nst_jax", "serve", "--port=0", "--offline"]
    command += [f"--folder={folder / 'jobs'}"]
    command += [f"--compilation_cache_dir={folder / 'xla'}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        site, _, token = address.partition("/?token=")
        session = requests.Session()
        session.headers.update({"Authorization": f"Bearer {token}", "X-NST-JAX": "1"})
        yield psutil.Process(process.pid), f"{site}/?token={token}", session
    finally:
        process.terminate()
        process.wait(60)


def latencies(page: "Page", site: str, session: requests.Session) -> list[float]:
    """Seconds from Paint to the first picture on the stage, after a slider was moved.

    The first is with nothing compiled; of the others all but that was there.
    """
    page.get_by_role("button", name="Try these two").click()
    size = page.locator(".slider:has(#slider-size) .exact")
    size.fill("256")
    size.press("Tab")
    found = []
    for _ in range(6):
        page.locator("#slider-style_weight").press("ArrowRight")
        known = {job["id"] for job in _jobs(site, session)}
        began = time.perf_counter()
        page.locator("#paint").click()
        page.wait_for_function(_SHOWN, arg=[*known], timeout=_LIMIT)
        found.append(time.perf_counter() - began)
        _stop(site, session)
    return found


def watched(page: "Page", site: str, session: requests.Session) -> dict[str, float]:
    """Events a second of a job that runs, for ten who look on besides the page."""
    page.locator("#paint").click()
    while not _jobs(site, session, "painting"):
        time.sleep(0.1)
    counts = [0] * _WATCHERS
    ends = time.perf_counter() + _SECONDS

    def look(place: int) -> None:
        with session.get(f"{site}/api/events", stream=True, timeout=60) as answer:
            for line in answer.iter_lines(chunk_size=1):
                counts[place] += line.startswith(b"event: ")
                if time.perf_counter() > ends:
                    return

    threads = [threading.Thread(target=look, args=(n,)) for n in range(_WATCHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    still = len(_jobs(site, session, "painting"))
    _stop(site, session)
    return {
        "events_a_second": sum(counts) / _SECONDS,
        "of_the_slowest": min(counts) / _SECONDS,
        "still_painting": still,
    }


def idle(page: "Page", process: psutil.Process) -> dict[str, float]:
    """Processor seconds a second of the server and of the page's own process."""
    page.wait_for_timeout(3000)
    # Of this program's own browser: others may be open.
    renderers = [
        one
        for one in psutil.Process().children(recursive=True)
        if "--type=renderer" in " ".join(one.as_dict(["cmdline"])["cmdline"] or [])
    ]
    before = [_processor(one) for one in (process, *renderers)]
    page.wait_for_timeout(1000 * _SECONDS)
    after = [_processor(one) for one in (process, *renderers)]
    server, *pages = (b - a for a, b in zip(before, after, strict=True))
    return {"server": server / _SECONDS, "page": sum(pages) / _SECONDS}


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _jobs(site: str, session: requests.Session, *states: str) -> list[dict[str, Any]]:
    """All jobs, or those of some states."""
    answer = session.get(f"{site}/api/jobs", timeout=60)
    answer.raise_for_status()
    return [job for job in answer.json() if not states or job["state"] in states]


def _stop(site: str, session: requests.Session) -> None:
    """Stops what is at work, and waits until it is."""
    at_work = ("preparing", "painting")
    for job in _jobs(site, session, *at_work):
        session.post(f"{site}/api/jobs/{job['id']}/stop", json={})
    while _jobs(site, session, *at_work):
        time.sleep(0.1)


def measured(browser: "Browser") -> dict[str, Any]:
    """All figures, of one server and one page."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as served:
        process, address, session = served
        site = address.partition("/?")[0]
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        page.get_by_role("button", name="Try these two").wait_for()
        waiting = idle(page, process)
        first, *later = latencies(page, site, session)
        jobs = _jobs(site, session)
        return {
            "size": [jobs[0]["width"], jobs[0]["height"]],
            "first_seconds": first,
            "later_seconds": later,
            "later_median": statistics.median(later),
            "watched": watched(page, site, session),
            "idle": waiting,
            "browser": browser.version,
        }


def main() -> None:
    """Measures once, and adds a row to the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    if arguments.output:  # Before, not after, all that is measured.
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("NST_CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"]
        )
        found = measured(browser)
        browser.close()
    print(json.dumps(found, indent=1))
    if arguments.output:
        with arguments.output.open("a") as file:
            print(json.dumps({**machine(), **found}), file=file)


if __name__ == "__main__":
    main()
