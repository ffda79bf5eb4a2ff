"""Kills a program by SIGKILL at random moments; the same command then has to end well.

    python tests/faults/killed.py --what=batch --tries=50 --seed=1
    python tests/faults/killed.py --tries=50 --results=bench/results/faults/kills.jsonl

Each try is the real program on tiny pictures (`kill_cases.py`), in a folder, with a
store and a process group of its own. A run that nobody kills says how long it takes,
when it begins to write, and what comes of it. Half of the moments are spread over its
whole life, half over the time from its first file on. One try in five begins without
compiled programs. After the kill every file that has the name of a result has to be
that result, to the last byte. Then the command is given again (with `--resume` if there
is a state to go on from): it has to end with status 0 and the same files of the same
bytes, make nothing twice that was done, and leave no temporary file, in the folder or
in the store; compiled programs have to be whole.

Prints a line of JSON for each program; the status is 1 where a try found a fault.
Needs the extra `test`.
"""

import argparse
import dataclasses
import datetime
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
from pathlib import Path

if __name__ == "__main__":  # as pytest does, by pyproject.toml
    sys.path[:1] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

from faults import kill_runs
from faults.kill_cases import CASES, Case, Run
from faults.kill_runs import Files, Moment, Whole

from nst_jax.version import __version__

_COLD = 5  # One try in so many begins without compiled programs.


@dataclasses.dataclass
class Tally:
    """What came of the tries of a program.

    Attributes:
      what: it is.
      seed: of the moments.
      tries: runs that were killed.
      cold: tries without compiled programs.
      begun: tries in which it had written something when it was killed.
      temporary: tries in which it left temporary files.
      resumed: tries that left a state, or a part of a download, to go on from.
      ended: runs that ended before they were killed, and are no tries.
      faults: in words.
      whole: seconds of a run that nobody kills, and until it begins to write.
    """

    what: str
    seed: int
    tries: int = 0
    cold: int = 0
    begun: int = 0
    temporary: int = 0
    resumed: int = 0
    ended: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)
    whole: tuple[float, ...] = ()


def tried(
    what: str,
    case: Case,
    tries: int,
    seed: int,
    *,
    cold: int = _COLD,
    twice: bool = True,
) -> Tally:
    """Kills a program so often, at moments that follow from the seed.

    Args:
      what: the program is called.
      case: the program.
      tries: kills.
      seed: of the moments.
      cold: one try in so many begins without compiled programs; 0: none.
      twice: see `kill_runs.whole`.
    """
    rng, tally = random.Random(seed), Tally(what, seed)
    with tempfile.TemporaryDirectory(prefix="nst_jax_killed_") as name:
        whole = kill_runs.whole(case, Path(name), twice=twice)
        tally.whole = tuple(round(n, 2) for n in whole.seconds[1])
        shorter = 1.0
        for _ in range(3 * tries + 6):
            if tally.tries == tries:
                break
            is_cold = bool(cold) and tally.tries % cold == cold - 1
            seconds = whole.seconds[not is_cold]
            moment = kill_runs.moment(seconds, tally.tries, tries, rng)
            moment = dataclasses.replace(moment, seconds=shorter * moment.seconds)
            place = Path(name) / "try"
            store = whole.base / "home" if is_cold else whole.warm
            kill_runs.begin(whole.base, store, place)
            killed = _one(case, whole, place, moment, tally)
            tally.cold += killed and is_cold
            if not killed and not twice:  # Programs that are compiled end sooner.
                shorter *= 0.6
            shutil.rmtree(place)
    return tally


def _one(case: Case, whole: Whole, place: Path, moment: Moment, tally: Tally) -> bool:
    """A run that is killed, and one after it; whether it lived until then."""
    before = kill_runs.written(place)
    with kill_runs.server_for(case, place) as server:
        process = kill_runs.start(case, place, (), server)
        moment.wait(case, place, before, process)
        if process.poll() is not None:
            tally.ended += 1
            process.communicate()
            return False
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    left = kill_runs.files_of(place)
    new = kill_runs.written(place) - before
    tally.tries += 1
    tally.begun += bool(new)
    tally.temporary += any(_is_temporary(name) for name in left)
    tally.resumed += any(re.search(r"\.state$|net\S+\.part$", name) for name in new)
    faults = kill_runs.wrong(case, left, whole.files)
    faults += _again(case, whole, place, left)
    tally.faults += [f"try {tally.tries}, {moment}: {fault}" for fault in faults]
    return True


def _again(case: Case, whole: Whole, place: Path, left: Files) -> list[str]:
    """What is wrong with the run after a kill, and with what there is after it."""
    with kill_runs.server_for(case, place) as server:
        process = kill_runs.start(case, place, case.again(place / "work"), server)
        try:
            output, _ = process.communicate(timeout=kill_runs.LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return ["the second run does not end"]
    if process.returncode:
        return [f"the second run ends with {process.returncode}: {output}"]
    now = kill_runs.files_of(place)
    names, expected = kill_runs.results(now), kill_runs.results(whole.files)
    return [
        *kill_runs.wrong(case, now, whole.files),
        *case.finished(Run(place / "work", left, output, tuple(server.asked))),
        *kill_runs.damaged_programs(now),
        *(f"{name} is missing" for name in sorted(expected - names)),
        *(f"{name} stays" for name in sorted(names - expected)),
    ]


def _is_temporary(name: str) -> bool:
    return bool(re.search(r"\.(tmp|part|lock)$|/tmp[^/]*$", name))


def _record(tally: Tally, seconds: float) -> dict[str, object]:
    failed = {fault.partition(",")[0] for fault in tally.faults}
    return {
        **dataclasses.asdict(tally),
        "failures": len(failed),
        "seconds": round(seconds),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
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
        tally = tried(what, CASES[what], arguments.tries, arguments.seed)
        line = json.dumps(_record(tally, time.monotonic() - began))
        print(line, flush=True)
        if arguments.results:
            with arguments.results.open("a") as file:
                print(line, file=file)
        failed = failed or bool(tally.faults) or tally.tries < arguments.tries
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
