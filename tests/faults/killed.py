"""Kills a program by SIGKILL at random moments; the same command then has to end well.

    python tests/faults/killed.py --what=batch --tries=50 --seed=1
    python tests/faults/killed.py --tries=50 --results=bench/results/faults.jsonl

Each try is the real program on tiny pictures (`kill_cases.py`), in a folder, with a
store and a process group of its own. A run that nobody kills says how long it takes,
when its first file appears, and what comes of it. Half of the moments are spread over
its whole life, half over the time in which it writes. One try in five begins without
compiled programs. After the kill every file that has the name of a result has to be
that result, to the last byte. Then the command is given again (with `--resume` if there
is a state to go on from): it has to end with status 0 and the same files of the same
bytes, make nothing twice that was done, and leave no temporary file, in the folder or
in the store; compiled programs have to be whole.

Prints a line of JSON for each program; the status is 1 where a try found a fault.
Needs the extra `test`.
"""

import argparse
import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import platform
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

if __name__ == "__main__":  # as pytest does, by pyproject.toml
    sys.path[:1] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

from faults.kill_cases import CASES, Case, Run, Server, serving

from nst_jax.version import __version__

_LONGEST = 300.0  # Seconds that a run may take.
_COLD = 5  # One try in so many begins without compiled programs.
_POLL = 0.01  # Seconds between two looks at what a program has written.
_PAUSE = 0.008  # Seconds between the blocks of a server.
_OF_COMPILED = re.compile(r"home/xla/")
_QUICK_COMPILATION = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

Files = Mapping[str, tuple[bytes, int]]


@dataclasses.dataclass
class Whole:
    """A run that nobody kills.

    Attributes:
      base: folder of its inputs, as they were before: `work` and `home`.
      warm: its store with compiled programs, to begin with.
      files: what there is at the end, by name, with the times.
      inputs: names of what was there before.
      seconds: that it takes, and until it begins to write, without and with compiled
        programs.
    """

    base: Path
    warm: Path
    files: Files
    inputs: set[str]
    seconds: tuple[tuple[float, float], tuple[float, float]]


@dataclasses.dataclass
class Tally:
    """What came of the tries of a program."""

    what: str
    seed: int
    tries: int = 0
    cold: int = 0
    begun: int = 0  # Tries in which there were files of it when it was killed.
    temporary: int = 0  # Tries in which it left temporary files.
    resumed: int = 0  # Tries that left a state, or a part of a download, to go on from.
    ended: int = 0  # Runs that ended before they were killed, and are no tries.
    faults: list[str] = dataclasses.field(default_factory=list)
    whole: tuple[float, ...] = ()  # Seconds of a whole run, and until it writes.


def files_of(base: Path) -> Files:
    """Content and time of every file of `work` and `home`."""
    found = {}
    for path in [*(base / "work").rglob("*"), *(base / "home").rglob("*")]:
        try:
            if path.is_file():
                content = path.read_bytes(), path.stat().st_mtime_ns
                found[str(path.relative_to(base))] = content
        except FileNotFoundError:
            continue  # Of a run that goes on.
    return found


def _written(base: Path) -> set[str]:
    """Names of files but compiled programs, records and locks."""
    folders = base / "work", base / "home/weights", base / "home/downloads"
    found = (path for folder in folders for path in folder.rglob("*"))
    names = {str(path.relative_to(base)) for path in found if path.is_file()}
    return {n for n in names if not n.endswith(("lock", ".verified"))}


def tried(what: str, tries: int, seed: int, *, cold: int = _COLD) -> Tally:
    """Kills a program so often, at moments that follow from the seed."""
    rng, tally = random.Random(seed), Tally(what, seed)
    with tempfile.TemporaryDirectory(prefix="nst_jax_killed_") as name:
        whole = _whole(CASES[what], Path(name))
        tally.whole = tuple(round(n, 2) for n in whole.seconds[1])
        attempts = 0
        while tally.tries < tries and attempts < 3 * tries:
            attempts += 1
            is_cold = bool(cold) and tally.tries % cold == cold - 1
            moment = _moment(whole.seconds[not is_cold], tally.tries, tries, rng)
            place = Path(name) / f"try{attempts}"
            _one(CASES[what], whole, place, moment, is_cold, tally)
            shutil.rmtree(place)
    return tally


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a program is killed: so many seconds after it began, or began to write."""

    seconds: float
    writing: bool

    def __str__(self) -> str:
        since = "it began to write" if self.writing else "its start"
        return f"{self.seconds:.3f} s after {since}"

    def wait(self, base: Path, before: set[str], process: subprocess.Popen) -> None:
        """Waits for it, or for the program's end."""
        while self.writing and process.poll() is None and not _written(base) - before:
            time.sleep(_POLL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self.seconds)


def _moment(
    seconds: tuple[float, float], number: int, tries: int, rng: random.Random
) -> Moment:
    """The moment of a try: of every second one the whole life, else the writing."""
    end, begun = seconds
    length = end if number % 2 else end - begun
    strata = max(1, (tries + 1) // 2)
    part = (number // 2 % strata + rng.random()) / strata
    return Moment(length * part, writing=not number % 2)


def _whole(case: Case, place: Path) -> Whole:
    """Runs a program twice without killing it; both times the same has to come."""
    base = place / "inputs"
    (base / "work").mkdir(parents=True)
    _prepare(case, base)
    inputs = {*files_of(base)}
    runs = []
    for number in range(2):
        run = place / f"whole{number}"
        shutil.copytree(base, run)
        if number:
            shutil.rmtree(run / "home")
            shutil.copytree(place / "warm", run / "home")
        seconds = _watched(case, run, inputs)
        runs.append((files_of(run), seconds))
        if not number:
            _warm(run, place / "warm", inputs)
    (first, cold), (second, warm) = runs
    assert set(_results(first)) == set(_results(second)), "it makes other files"
    wrong = _wrong(case, first, second)
    assert not wrong, f"two runs that nobody kills differ: {wrong}"
    return Whole(base, place / "warm", second, inputs, (cold, warm))


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


def _warm(run: Path, place: Path, inputs: set[str]) -> None:
    """The store of a run as it was before it, but with compiled programs."""
    for name in files_of(run):
        if name.startswith("home/") and (name in inputs or _OF_COMPILED.match(name)):
            path = place / name.removeprefix("home/")
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(run / name, path)
    place.mkdir(exist_ok=True)


def _watched(case: Case, base: Path, inputs: set[str]) -> tuple[float, float]:
    """Seconds of a run that nobody kills, and until it begins to write."""
    began = time.monotonic()
    seen: dict[str, float] = {}
    with _server(case, base) as server:
        process = _start(case, base, (), server)
        while process.poll() is None:
            for name in _written(base) - inputs:
                seen.setdefault(name, time.monotonic() - began)
            time.sleep(_POLL)
            assert time.monotonic() - began < _LONGEST, "it does not end"
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return time.monotonic() - began, min(seen.values())


@dataclasses.dataclass
class _Nobody:
    url: str = ""
    asked: list[str] = dataclasses.field(default_factory=list)

    def __enter__(self) -> "_Nobody":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def _server(case: Case, base: Path):
    return serving(base / "served", pause=_PAUSE) if case.serves else _Nobody()


def _start(
    case: Case, base: Path, more: tuple[str, ...], server: "Server | _Nobody"
) -> subprocess.Popen[str]:
    """Begins a program in a process group of its own."""
    variables = {
        "NST_JAX_HOME": str(base / "home"),
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "XLA_FLAGS": _QUICK_COMPILATION,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2])]),
    }
    if case.serves:
        content = (base / "served").read_bytes()
        variables["SERVED"] = f"{len(content)} {hashlib.sha256(content).hexdigest()}"
        variables["NST_JAX_MIRROR"] = server.url
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {k: v for k, v in os.environ.items() if k.lower() not in proxies}
    return subprocess.Popen(
        [sys.executable, "-c", case.program, *case.arguments, *more],
        cwd=base / "work",
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _one(
    case: Case, whole: Whole, place: Path, moment: Moment, cold: bool, tally: Tally
) -> None:
    """A try: a run that is killed, and one after it."""
    shutil.copytree(whole.base, place)
    if not cold:
        shutil.rmtree(place / "home")
        shutil.copytree(whole.warm, place / "home")
    before = {*files_of(place)}
    with _server(case, place) as server:
        process = _start(case, place, (), server)
        moment.wait(place, before, process)
        if process.poll() is not None:
            tally.ended += 1
            process.communicate()
            return
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    left = files_of(place)
    new = {*_results(left)} - before
    tally.tries += 1
    tally.cold += cold
    tally.begun += bool(new)
    tally.temporary += any(_is_temporary(name) for name in left)
    tally.resumed += any(re.search(r"\.state$|net\S+\.part$", name) for name in new)
    faults = _wrong(case, left, whole.files)
    more = case.again(place / "work")
    with _server(case, place) as server:
        process = _start(case, place, more, server)
        try:
            output, _ = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            faults.append("the second run does not end")
    if process.returncode:
        faults.append(f"the second run ends with {process.returncode}: {output}")
    else:
        now = files_of(place)
        run = Run(place / "work", left, output, tuple(server.asked))
        faults += _wrong(case, now, whole.files) + case.finished(run)
        faults += _damaged_programs(now)
        names, expected = {*_results(now)}, {*_results(whole.files)}
        faults += [f"{name} is missing" for name in sorted(expected - names)]
        faults += [f"{name} stays" for name in sorted(names - expected)]
    for fault in faults:
        tally.faults.append(f"try {tally.tries}, {moment}: {fault}")


def _is_temporary(name: str) -> bool:
    return bool(re.search(r"\.(tmp|part|lock)$|/tmp[^/]*$", name))


def _results(found: Files) -> Iterator[str]:
    """All but compiled programs, and records whose coming is the clock's business."""
    for name in found:
        if not (_OF_COMPILED.match(name) or name.endswith(".verified")):
            yield name


def _wrong(case: Case, found: Files, whole: Files) -> list[str]:
    """Files with the name of a result that are not that result."""
    return [
        f"{name} is another"
        for name in _results(found)
        if name in whole
        and not re.fullmatch(case.varies, name)
        and _meant(name, found[name][0]) != _meant(name, whole[name][0])
    ]


def _meant(name: str, content: bytes) -> object:
    """What a file says: the metadata of safetensors come in any order."""
    if not name.endswith((".safetensors", ".state")):
        return content
    try:
        length = int.from_bytes(content[:8], "little")
        return json.loads(content[8 : 8 + length]), content[8 + length :]
    except ValueError:
        return content


def _damaged_programs(found: Files) -> list[str]:
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
            if not content.startswith(b"\x28\xb5\x2f\xfd"):
                zlib.decompress(content)
    return faults


def _record(tally: Tally, seconds: float) -> dict[str, object]:
    now = datetime.datetime.now(datetime.UTC)
    return {
        **dataclasses.asdict(tally),
        "failures": len({fault.split(":")[0] for fault in tally.faults}),
        "seconds": round(seconds),
        "date": now.date().isoformat(),
        "system": platform.system(),
        "python": platform.python_version(),
        "version": __version__,
    }


def main() -> int:
    """Tries the programs that are asked for; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--what", choices=(*CASES, "all"), default="all")
    parser.add_argument("--tries", type=int, default=50, help="kills of each program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--results", type=Path, metavar="FILE.jsonl", help="lines are added to it"
    )
    arguments = parser.parse_args()
    failed = False
    for what in CASES if arguments.what == "all" else (arguments.what,):
        began = time.monotonic()
        tally = tried(what, arguments.tries, arguments.seed)
        line = json.dumps(_record(tally, time.monotonic() - began))
        print(line, flush=True)
        if arguments.results:
            with arguments.results.open("a") as file:
                print(line, file=file)
        failed = failed or bool(tally.faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
