"""The manifest of a batch: what each picture in a folder was made of, a line each.

It is a file of JSON lines that only grows: a batch that is run again adds lines, and
the last one about a picture holds. A line is on the disk before the next picture is
begun, so that nothing but the line being written is lost in a crash.
"""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

StrPath = str | os.PathLike[str]

DONE = "done"
STOPPED = "stopped"  # Before all iterations; the best picture so far is saved.
FAILED = "failed"  # There is no picture.
STATUSES = (DONE, STOPPED, FAILED)
POINTS = 200
"""Points of a loss curve that a manifest keeps at most."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A picture of a batch and what made it.

    Read back, it holds what JSON has: lists for tuples, None for what is not finite.

    Attributes:
      output: of the picture, relative to the manifest's folder.
      content: path of the photo, as it was given.
      style: path of the painting, as it was given; of a blend see `blends.joined`.
      key: hex digest of everything that made it; another key, another picture.
      status: one of `STATUSES`.
      error: why it failed, in one line.
      options: all options, by name.
      varied: those that the batch varies, by name.
      masks: the files that divided it, by flag, as they were given.
      loss: the lowest.
      iterations: updates made.
      seconds: of optimising.
      losses: [iteration, loss] pairs, thinned; see `thin`.
      size: [width, height] in pixels.
      versions: of the program and what it runs on, by name.
      device: what it ran on, in words.
      length: of the picture's file, in bytes.
      modified: when that was written, in nanoseconds since 1970.
      sha256: of that file, hex.
    """

    output: str
    content: str
    style: str
    key: str
    status: str
    error: str | None = None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    varied: dict[str, Any] = dataclasses.field(default_factory=dict)
    loss: float | None = None
    iterations: int = 0
    seconds: float = 0.0
    losses: list[list[Any]] = dataclasses.field(default_factory=list)
    size: list[int] | None = None
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    device: str = ""
    length: int | None = None
    modified: int | None = None
    sha256: str | None = None
    masks: dict[str, Any] = dataclasses.field(default_factory=dict)


def thin(losses: np.ndarray, *, first: int = 0) -> list[list[Any]]:
    """Points of a loss curve, at most `POINTS` and both ends among them.

    Half of them are evenly spaced, half by ratio, since losses fall early.

    Args:
      losses: `[n]`, of n iterations in a row.
      first: the iteration of `losses[0]`.

    Returns:
      [iteration, loss] pairs, with None for a loss that is not finite.
    """
    n = len(losses)
    if n > POINTS:
        even = np.linspace(0, n - 1, POINTS // 2)
        by_ratio = np.geomspace(1, n, POINTS // 2) - 1
        chosen = np.unique(np.rint(np.concatenate([even, by_ratio])).astype(int))
    else:
        chosen = np.arange(n)
    return [[first + int(index), _plain(float(losses[index]))] for index in chosen]


def append(path: StrPath, entry: Entry) -> None:
    """Adds an entry to the file, which is made if need be, and waits for the disk.

    Where a crash has cut the last line, the entry begins a line of its own.

    Raises:
      OSError: the file can't be written.
    """
    fields = dataclasses.asdict(entry)
    if not entry.masks:
        del fields["masks"]  # Versions that know of none read the line.
    line = json.dumps(_plain(fields), allow_nan=False).encode()
    with open(path, "a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: StrPath) -> dict[str, Entry]:
    """The last entry of each picture, by `output`, in the order of their first ones.

    Lines that are no entries, such as cut ones and those of a later version with more
    fields, are skipped. No file is an empty one, and so is what is no regular file.

    Raises:
      OSError: the file can't be read.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        return {}  # A pipe would be waited for.
    try:
        with open(path, "rb") as file:
            found = [_entry(line) for line in file]
    except FileNotFoundError:
        return {}
    return {entry.output: entry for entry in found if entry is not None}


def is_ours(path: StrPath) -> bool:
    """Whether lines may be added to a file: it is a manifest, empty, or not there.

    Raises:
      OSError: the file can't be read.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(len(_BEGINNING))
    except FileNotFoundError:
        return True
    first = head.partition(b"\n")[0]  # A crash may have cut it anywhere.
    begun = bool(first) and _BEGINNING.startswith(first)
    return begun or not head or bool(read(path))


_BEGINNING = b'{"output": "'
_NUMBER = (int, float)
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("output", "content", "style", "key", "status", "device"), (str,)),
    **dict.fromkeys(("options", "varied", "versions", "masks"), (dict,)),
    "error": (str, type(None)),
    "loss": (*_NUMBER, type(None)),
    "iterations": (int,),
    "seconds": _NUMBER,
    "losses": (list,),
    "size": (list, type(None)),
    **dict.fromkeys(("length", "modified"), (int, type(None))),
    "sha256": (str, type(None)),
}


def _entry(line: bytes) -> Entry | None:
    try:
        loaded = json.loads(line, parse_float=_finite, parse_constant=lambda _: None)
        entry = Entry(**loaded)
    except (ValueError, TypeError, RecursionError):
        return None
    good = all(isinstance(getattr(entry, name), t) for name, t in _TYPES.items())
    return entry if good and _is_sound(entry) else None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _is_sound(entry: Entry) -> bool:
    pairs = all(
        isinstance(point, list)
        and len(point) == 2
        and isinstance(point[0], int)
        and isinstance(point[1], (*_NUMBER, type(None)))
        for point in entry.losses
    )
    size = entry.size is None or (
        len(entry.size) == 2 and all(isinstance(n, int) and n > 0 for n in entry.size)
    )
    return entry.status in STATUSES and pairs and size


def _plain(value: Any) -> Any:
    # What JSON has: numbers of numpy and JAX become Python's, those not finite None.
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
