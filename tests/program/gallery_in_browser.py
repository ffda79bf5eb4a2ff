"""Whether a gallery of pictures with hostile names runs anything in a real browser.

    python tests/program/gallery_in_browser.py
    python tests/program/gallery_in_browser.py --browser=google-chrome

Photos and paintings are called like markup and scripts; the page is opened without a
window, as a whole and at each picture's address, and what the browser makes of it is
looked at for the mark that the names' scripts would leave. A page that does run them
shows first that the mark is seen. No test runs this: it needs Chromium or Chrome.
"""

import argparse
import contextlib
import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":  # as pytest does, by pyproject.toml
    sys.path[:1] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

import numpy as np
from support.gallery_batch import made

from nst_jax.collection import gallery
from nst_jax.images import files

_MARK = "data-ran"
_CODE = "document.documentElement.setAttribute('data-ran',1)"
_NAMES = (
    f"<script>{_CODE}<",
    f"<img src=x onerror={_CODE}>",
    f'"><svg onload={_CODE}>',
    f"' onmouseover='{_CODE}' autofocus onfocus='{_CODE}",
    f"javascript:{_CODE}",
    f"</title></style></template><script>{_CODE}</script>",
    f"{{{{ {_CODE} }}}}",
    f"`${{{_CODE}}}`",
)


def opened(browser: str, address: str) -> str:
    """The page as the browser has it after its scripts and some seconds."""
    with tempfile.TemporaryDirectory() as profile:
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--dump-dom")
        flags += ("--virtual-time-budget=5000", f"--user-data-dir={profile}")
        done = subprocess.run(
            [browser, *flags, address], capture_output=True, text=True, timeout=120
        )
    assert "</html>" in done.stdout, done.stderr[-500:]
    return done.stdout


def page(folder: Path) -> Path:
    """A gallery in which every word that a stranger could have chosen is hostile."""
    batch = made(folder)
    entries = []
    for place, name in enumerate(_NAMES):
        entry = batch.entries[place % len(batch.entries)]
        output = f"{name.replace('/', '_')}.png"
        files.write(batch.folder / output, np.zeros((4, 4, 3), np.float32))
        said = {name: name, "init": name, "style_taps": [name]}
        words = {"options": said, "varied": {name: name}, "versions": {name: name}}
        entries.append(
            dataclasses.replace(
                entry,
                **words,
                output=output,
                content=f"in/{name}.jpg",
                style=f"{name}/{name}.jpg",
                device=name,
            )
        )
    failed = dataclasses.replace(entries[0], status="failed", error=_NAMES[1])
    gallery.write(batch.page, _NAMES[5], [*entries, failed], batch.folder)
    return batch.page


def main() -> int:
    """Opens the pages and says what became of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--browser", default="chromium", help="the program")
    browser = parser.parse_args().browser
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder) / "bad.html"
        for name in _NAMES[:3]:
            bad.write_text(f"<html><body>{name}/script></body></html>")
            assert _MARK in opened(browser, bad.as_uri()), f"not seen: {name}"
        (place := Path(folder) / "work").mkdir()
        with contextlib.chdir(place):
            address = page(place).as_uri()
        for number in ("", *range(1, len(_NAMES) + 1)):
            found = opened(browser, f"{address}#{number}" if number else address)
            start = found.partition(">")[0] + found[:400]
            assert _MARK + "=" not in start, f"ran at #{number}: {start}"
            assert "&lt;img src=x onerror=" in found
    print(f"{len(_NAMES)} names, {len(_NAMES) + 1} addresses: nothing ran")
    return 0


if __name__ == "__main__":
    sys.exit(main())
