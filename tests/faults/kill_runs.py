"""Running the programs of `kill_cases.py`: in a folder and a store of their own."""

import contextlib
import dataclasses
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from faults.kill_cases import Case, Server, serving

LONGEST = 300.0
"""Seconds that a run may take."""

_PAUSE = 0.008  # Seconds between the blocks of a server.
_POLL = 0.01  # Seconds between two looks at what a program has written.
_OF_COMPILED = re.compile(r"home/xla/")
_QUICK_COMPILATION = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)
_ROOT = Path(__file__).parents[2]

Files = Mapping[str, tuple[bytes, int]]
"""Content and time, in nanoseconds, of files by their names."""


@dataclasses.dataclass(frozen=True)
class Whole:
    """What is known of a run that nobody kills.

    Attributes:
      base: folder of its inputs, as they were before: `work` and `home`.
      warm: its store with compiled programs, to begin with.
      files: what there is at the end.
      seconds: that it takes, and until it begins to write, without and with compiled
        programs.
    """

    base: Path
    warm: Path
    files: Files
    seconds: tuple[tuple[float, float], tuple[float, float]]


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a program is killed: so many seconds after it began, or began to write."""

    seconds: float
    writing: bool

    def __str__(self) -> str:
        since = "it began to write" if self.writing else "its start"
        return f"{self.seconds:.3f} s after {since}"

    def wait(
        self, case: Case, base: Path, before: set[str], process: "subprocess.Popen[str]"
    ) -> None:
        """Waits for it, or for the program's end."""
        while self.writing and process.poll() is None:
            if _begins(case, written(base) - before):
                break
            time.sleep(_POLL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.seconds)


def moment(
    seconds: tuple[float, float], number: int, tries: int, rng: random.Random
) -> Moment:
    """The moment of a try: of every second one the whole life, else the writing."""
    end, begun = seconds
    length = end if number % 2 else end - begun
    strata = max(1, (tries + 1) // 2)
    part = (number // 2 % strata + rng.random()) / strata
    return Moment(length * part, writing=not number % 2)


def files_of(base: Path) -> Files:
    """Every file of `work` and `home`."""
    found = {}
    for path in [*(base / "work").rglob("*"), *(base / "home").rglob("*")]:
        if path.is_file():
            content = path.read_bytes(), path.stat().st_mtime_ns
            found[str(path.relative_to(base))] = content
    return found


def written(base: Path) -> set[str]:
    """Names of files but compiled programs, records and locks."""
    folders = base / "work", base / "home/weights", base / "home/downloads"
    found = (path for folder in folders for path in folder.rglob("*"))
    names = {str(path.relative_to(base)) for path in found if path.is_file()}
    return {n for n in names if not (n.endswith("lock") or ".verified" in n)}


def _begins(case: Case, names: set[str]) -> set[str]:
    return {name for name in names if re.fullmatch(case.begins, name)}


def results(found: Files) -> set[str]:
    """Names of all but compiled programs, and records that come by the clock."""
    return {
        name
        for name in found
        if not (_OF_COMPILED.match(name) or name.endswith(".verified"))
    }


def wrong(case: Case, found: Files, whole: Files) -> list[str]:
    """Files with the name of a result that are not that result."""
    return [
        f"{name} is another"
        for name in sorted(results(found) & whole.keys())
        if not re.fullmatch(case.varies, name)
        and _meant(name, found[name][0]) != _meant(name, whole[name][0])
    ]


def _meant(name: str, content: bytes) -> object:
    """What a file says: the metadata of safetensors come in any order."""
    if name.endswith((".safetensors", ".state")):
        length = int.from_bytes(content[:8], "little")
        with contextlib.suppress(ValueError):
            return json.loads(content[8 : 8 + length]), content[8 + length :]
    return content


def damaged_programs(found: Files) -> list[str]:
    """Compiled programs that are not whole, or without what is kept beside them."""
    faults = []
    for name, (content, _) in found.items():
        if _OF_COMPILED.match(name) and name.endswith("-cache"):
            key = name.removesuffix("-cache")
            note = found.get(f"{key}-sha256", (b"", 0))[0].split(b" ")[-1]
            if note.decode("latin1") != hashlib.sha256(content).hexdigest():
                faults.append(f"{name}: no sum, or another")
            if len(found.get(f"{key}-atime", (b"", 0))[0]) != 8:
                faults.append(f"{name}: no time of use")
    return faults


def whole(case: Case, place: Path, *, twice: bool = True) -> Whole:
    """Runs a program without killing it.

    Args:
      case: what is run.
      place: an empty folder.
      twice: whether once more with compiled programs: the same has to come.
    """
    base, warm = place / "inputs", place / "warm"
    (base / "work").mkdir(parents=True)
    _prepare(case, base)
    inputs = {*files_of(base)}
    shutil.copytree(base, place / "first")
    cold = _watched(case, place / "first", inputs)
    found = files_of(place / "first")
    for name in found:
        if name.startswith("home/") and (name in inputs or _OF_COMPILED.match(name)):
            path = warm / name.removeprefix("home/")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place / "first" / name, path)
    warm.mkdir(exist_ok=True)
    if not twice:
        return Whole(base, warm, found, (cold, cold))
    begin(base, warm, place / "second")
    seconds = _watched(case, place / "second", inputs)
    again = files_of(place / "second")
    assert results(found) == results(again), "it makes other files"
    assert not (other := wrong(case, found, again)), f"two runs differ: {other}"
    return Whole(base, warm, again, (cold, seconds))


def begin(base: Path, store: Path, place: Path) -> None:
    """Copies inputs, and a store, to where a program is to run."""
    shutil.copytree(base / "work", place / "work")
    shutil.copytree(store, place / "home")
    if (base / "served").exists():
        shutil.copy(base / "served", place)


def _prepare(case: Case, base: Path) -> None:
    before = os.environ.get("NST_JAX_HOME")
    os.environ["NST_JAX_HOME"] = str(base / "home")
    (base / "home").mkdir()
    try:
        case.prepare(base / "work")
    finally:
        os.environ.pop("NST_JAX_HOME")
        if before is not None:
            os.environ["NST_JAX_HOME"] = before


def _watched(case: Case, base: Path, inputs: set[str]) -> tuple[float, float]:
    """Seconds of a run that nobody kills, and until it begins to write."""
    began = time.monotonic()
    seen: dict[str, float] = {}
    with server_for(case, base) as server:
        process = start(case, base, (), server)
        while process.poll() is None:
            for name in _begins(case, written(base) - inputs):
                seen.setdefault(name, time.monotonic() - began)
            time.sleep(_POLL)
            assert time.monotonic() - began < LONGEST, "it does not end"
        output, _ = process.communicate()
    assert process.returncode == 0, output
    end = time.monotonic() - began
    return end, min(seen.values(), default=end)


def server_for(case: Case, base: Path) -> contextlib.AbstractContextManager[Server]:
    """The server that a case needs; one that is nowhere where it needs none."""
    if case.serves:
        return serving(base / "served", pause=_PAUSE)
    return contextlib.nullcontext(Server("", []))


def start(
    case: Case, base: Path, more: tuple[str, ...], server: Server
) -> "subprocess.Popen[str]":
    """Begins a program in a process group of its own."""
    variables = {
        "NST_JAX_HOME": str(base / "home"),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "XLA_FLAGS": _QUICK_COMPILATION,
        "PYTHONPATH": str(_ROOT),
    }
    if case.serves:
        content = (base / "served").read_bytes()
        variables["SERVED"] = f"{len(content)} {hashlib.sha256(content).hexdigest()}"
        variables["NST_JAX_MIRROR"] = server.url
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.Popen(
        [sys.executable, "-c", case.program, *case.arguments, *more],
        cwd=base / "work",
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
