"""What a check finds: all is right, something is wrong, or it makes no sense here."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from bench.report.tables import records_of
from bench.runners.record import one_line

RIGHT, WRONG, LEFT_OUT = "right", "wrong", "left out"


class WrongError(Exception):
    """What is wrong, and what to do where that is known: a line."""


class LeftOutError(Exception):
    """Why a check makes no sense on this device: a line."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a check found.

    Attributes:
      name: of the check.
      status: "right", "wrong" or "left out".
      said: a line.
      seconds: that it took, compilation included.
    """

    name: str
    status: str
    said: str
    seconds: float


def taken(name: str, check: Callable[[], str]) -> Outcome:
    """The outcome of a check, whatever it raises.

    Args:
      name: of the check.
      check: gives a line about what it found; raises `WrongError`, `LeftOutError`, or
        what the device, JAX or this project raises, which is wrong too.
    """
    began = time.perf_counter()
    try:
        status, said = RIGHT, check()
    except LeftOutError as error:
        status, said = LEFT_OUT, str(error)
    except WrongError as error:
        status, said = WRONG, str(error)
    except Exception as error:  # Whatever it is, the other checks are to be made.
        status, said = WRONG, one_line(error)
    return Outcome(name, status, said, time.perf_counter() - began)


LAST = "compile cache"
"""The name of the check that comes last."""


def passed(path: Path) -> bool:
    """Whether all was right the last time, by a file that `bench.smoke` added to.

    One that was cut, or of which a check was wrong, hasn't passed.
    """
    if not path.exists():
        return False
    last: list[dict[str, str]] = []
    for record in records_of([path]):
        last = [] if record["name"] == "device" else last
        last.append(record)
    ended = bool(last) and last[-1]["name"] == LAST
    return ended and all(record["status"] != WRONG for record in last)
