"""A folder of odd and bad files: what is in them, what they are, what they are called.

Each has its outcome: `Opens` or `Refused`, of `odd_pictures`.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path

from support import odd_kinds
from support.odd_pictures import SIDE, Opens, Outcome, Refused, saved

_NO_FILE = Refused("is not a regular file; give an image file")
_FOLDER = Refused("is a folder; give an image file")
_MISSING = Refused("no such file; check the name")
_EMPTY = Refused("is empty; get the image again")

NAMES = (
    *(
        "new\nline.png",
        "back\rspace\b.png",
        "tab\t.png",
        "bell\x07\x1b]0;title\x07.png",
    ),
    *("gnp.\u202egpj.png", "\u2066hidden\u2069.png", "para\u2029graph.png"),
    *("\u0301.png", "\u00e9 and e\u0301.png", "\U0001f431.png", "\u65e5\u672c.png"),
    *(os.fsdecode(b"na\xefve.png"), os.fsdecode(b"\xff\xfe\x80.png")),
    *("%s%n%00.png", "{content}.png", "$(touch evil).png", "`touch evil`.png"),
    *("; touch evil;.png", "-o.png", "--help.png", "~", "~root.png", " .png", "..png"),
    *(
        "[a-z]*?.png",
        "'quote\".png",
        "<script>alert(1)<",
        "CON.png",
        "a.png ",
        "a.png.",
    ),
    *("x" * 251 + ".png", "\u00e9" * 125 + ".png", "no_ending", ".hidden.png"),
    *("x.html", "x.exe", "x.mp4", "http:", "file:a.png", "a,b+c=d&e.png"),
)
"""Names of a good picture."""


def _socket(path: Path) -> None:
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # A socket's path has 107 bytes at most.
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


def _linked(to: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(to)


def _far(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**32)


def _beginning(path: Path) -> None:
    path.write_bytes(saved("PNG")[:100])
    os.truncate(path, 2**31)


_LOOP = Refused("can't be opened (Too many levels of symbolic links)")

SPECIAL: dict[str, tuple[Callable[[Path], None], Outcome]] = {
    "folder.png": (Path.mkdir, _FOLDER),
    "to_folder.png": (_linked("folder.png"), _FOLDER),
    "pipe.png": (os.mkfifo, _NO_FILE),
    "to_pipe.png": (_linked("pipe.png"), _NO_FILE),
    "socket.png": (_socket, _NO_FILE),
    "zero.png": (_linked("/dev/zero"), _NO_FILE),
    "null.png": (_linked("/dev/null"), _NO_FILE),
    "full.png": (_linked("/dev/full"), _NO_FILE),
    "random.png": (_linked("/dev/urandom"), _NO_FILE),
    "terminal.png": (_linked("/dev/ptmx"), _NO_FILE),
    "memory.png": (_linked("/proc/self/mem"), _EMPTY),
    "environment.png": (_linked("/proc/self/environ"), _EMPTY),
    "self.png": (_linked("self.png"), _LOOP),
    "there.png": (_linked("back.png"), _LOOP),
    "back.png": (_linked("there.png"), _LOOP),
    "gone.png": (_linked("nowhere.png"), _MISSING),
    "far.png": (_far, Refused("has 4.0 GB, too many for a picture; 2 are read")),
    "far_end.png": (_beginning, Refused("has too many parts; save it anew")),
}
"""What is no picture file, or none that ends."""

ABSENT: dict[str, Outcome] = {
    "missing.png": _MISSING,
    "": Refused("a name is empty: name a picture"),
    "x" * 256 + ".png": Refused("can't be opened (File name too long)"),
    "y/" * 3000 + "a.png": Refused("can't be opened (File name too long)"),
    "null\0.png": Refused("can't be opened (embedded null byte)"),
    "a_pixel.png/a.png": Refused("can't be opened (Not a directory)"),
}
"""Names of no file."""


def fill(folder: Path) -> dict[str, Outcome]:
    """Makes all of them in a folder; what is to become of each, by its name in it."""
    outcomes: dict[str, Outcome] = dict(ABSENT)
    pictures = odd_kinds.pictures()
    for name, (content, outcome) in pictures.items():
        (folder / name).write_bytes(content)
        outcomes[name] = outcome
    for name, (make, outcome) in SPECIAL.items():
        make(folder / name)
        outcomes[name] = outcome
    good = saved("PNG")
    for name in NAMES:
        (folder / name).write_bytes(good)
        outcomes[name] = Opens(SIDE)
    named = len(ABSENT) + len(SPECIAL) + len(NAMES) + len(pictures)
    assert len(outcomes) == named
    return outcomes
