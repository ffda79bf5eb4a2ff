"""How many lanes fit: what a program needs, and what the device has."""

import contextlib
import math
import os
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import psutil

from nst_jax.devices import backend, spaces
from nst_jax.errors import DeviceError, NoRoomError, NstError

_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")
_COMPILED = 4
_PINNED, _PINNED_GIB = "XLA_PJRT_GPU_HOST_MEMORY_LIMIT_GB", 64
# What runtimes begin with where a device is lost or broken, not a program wrong.
_FAILURES = ("INTERNAL", "UNAVAILABLE", "ABORTED", "DATA_LOSS", "UNKNOWN", "CANCELLED")
_UNUSUAL = "as usual here, so that the last bits may differ"
_SHARE = 0.85  # Of the free memory; the rest is for targets, and for fragments.


_ENOUGH = {"cpu": 2**16, "gpu": 2**22, "tpu": 2**22}
"""Pixels of all lanes together above which more of them no longer save time."""
_TILE = {"cpu": 512, "gpu": 1024, "tpu": 1024}
"""Sides of tiles, where the memory is large enough."""


def helping_pixels() -> int:
    """Pixels of all lanes together up to which more of them save time."""
    return _ENOUGH[backend.kind()]


def tile_side() -> int:
    """Side of the largest tiles that a picture is cut into, in pixels."""
    return _TILE[backend.kind()]


@contextlib.contextmanager
def explained(no_room: str = "") -> Iterator[None]:
    """Raises an error of ours for what the device's runtime says.

    Args:
      no_room: what to say where memory is too small; default: that of a picture.

    Raises:
      NoRoomError: too little memory.
      DeviceError: the device failed.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, NstError):
            raise
        text = str(error)
        full = "RESOURCE_EXHAUSTED" in text or "Out of memory" in text
        if full or isinstance(error, MemoryError):
            raise NoRoomError(no_room) from error
        if isinstance(error, jax.errors.JaxRuntimeError) and text.startswith(_FAILURES):
            raise DeviceError(
                f"the device failed ({backend.one_line(error)}); try once more, or on "
                "the CPU, with JAX_PLATFORMS=cpu"
            ) from error
        raise


def whole_bytes(device: jax.Device | None = None) -> int:
    """Memory that a device gives to this process at the most, in bytes.

    It is the same at each run, whatever else is at work.

    Args:
      device: None: the default one.
    """
    device = device or jax.local_devices()[0]
    statistics = device.memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    total = psutil.virtual_memory().total
    limits = [limit for limit, _ in _limits()]
    return min(total, container_bytes(whole=True), *limits)


def free_bytes(device: jax.Device | None = None) -> int:
    """Memory that a device can still give, in bytes; None: the default one."""
    device = device or jax.local_devices()[0]
    statistics = device.memory_stats() or {}
    if "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics["bytes_in_use"]
    return host_bytes()


def is_shared() -> bool:
    """Whether programs are in the memory of this process, as on CPUs."""
    return "bytes_limit" not in (jax.local_devices()[0].memory_stats() or {})


def resident_bytes() -> int:
    """Memory that this process holds, in bytes."""
    return psutil.Process().memory_info().rss


def host_bytes() -> int:
    """Memory that this machine can still give to this process, in bytes."""
    available = psutil.virtual_memory().available
    return min(available, container_bytes(), limit_bytes())


def limit_bytes() -> int:
    """What the limits of a shell (`ulimit -v`, `ulimit -d`) leave to this process.

    Returns:
      `sys.maxsize` where there is no limit, or none that is kept.
    """
    left = [max(0, limit - taken) for limit, taken in _limits()]
    return min([sys.maxsize, *left])


def _limits() -> list[tuple[int, int]]:
    """The limits of a shell that are kept, and what is taken of each, in bytes."""
    if sys.platform != "linux":
        return []
    used = psutil.Process().memory_info()
    kinds = (resource.RLIMIT_AS, used.vms), (resource.RLIMIT_DATA, used.data)
    found = [(resource.getrlimit(kind)[0], taken) for kind, taken in kinds]
    return [one for one in found if one[0] != resource.RLIM_INFINITY]


def room_bytes() -> int:
    """What a program may need at most, so that running it has a chance.

    Where a device tells of what it can't give, that is for it to say; but a CPU's
    program that can't have its memory hangs, or is killed.
    """
    if not is_shared():
        return sys.maxsize
    swap = psutil.swap_memory().free
    available = psutil.virtual_memory().available
    return min(min(available, container_bytes()) + swap, limit_bytes())


def expect_room(program: jax.stages.Compiled, room: int) -> None:
    """Raises `NoRoomError` if a program needs more than `room`, in bytes."""
    if needed_bytes(program) > room:
        raise NoRoomError


def pinned_bytes() -> int:
    """Memory of the host for parts that a device has there, and a copy of them.

    For GPUs XLA has a limit of its own, and keeps what it was given once.
    """
    limit = sys.maxsize
    if backend.kind() == "gpu":
        asked = os.environ.get(_PINNED, "")
        limit = 2 * (int(asked) if asked.isdecimal() else _PINNED_GIB) * 2**30
    return min(host_bytes() + spaces.most_on_host(), limit)


def expect_pinned_room(needed: int) -> None:
    """Raises `NoRoomError` if parts of so many bytes, and a copy, have no room."""
    if 2 * needed > (free := pinned_bytes()):
        limit = f" ({_PINNED} may be the limit)" if backend.kind() == "gpu" else ""
        raise NoRoomError(
            f"{2 * needed / 1e9:.2f} GB of the host's memory are needed for the "
            "solver's state and a copy to save, and there are "
            f"{free / 1e9:.2f}{limit}: try a smaller --size, or a shorter --history"
        )


def container_bytes(
    process: Path = _GROUP, groups: Path = _GROUPS, *, whole: bool = False
) -> int:
    """What the limits of Linux's control groups (v2) leave to a process, in bytes.

    Args:
      process: the file that names its group.
      groups: the folder of all groups.
      whole: the limits themselves, whatever is used.

    Returns:
      `sys.maxsize` where there is no limit, or no control groups.
    """
    try:
        (line,) = [t for t in process.read_text().splitlines() if t.startswith("0::")]
    except (OSError, ValueError):
        return sys.maxsize
    group = groups / line.removeprefix("0::").lstrip("/")
    # Within a container the path may be one of the host; the limit is at the top.
    return min(
        _left(one, whole=whole)
        for one in (group, *group.parents)
        if one.is_relative_to(groups)
    )


def _left(group: Path, *, whole: bool) -> int:
    """What the limit of one control group leaves; files read count as free."""
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
        statistics = (group / "memory.stat").read_text().split()
    except (OSError, ValueError):  # None there, or "max".
        return sys.maxsize
    if whole:
        return limit
    files = dict(zip(statistics[::2], statistics[1::2], strict=True))
    return max(0, limit - used + int(files.get("inactive_file", 0)))


def needed_bytes(program: jax.stages.Compiled) -> int:
    """Memory that a compiled program takes while it runs, its arguments included."""
    found: Any = program.memory_analysis()
    return (
        found.temp_size_in_bytes
        + found.argument_size_in_bytes
        + found.output_size_in_bytes
        - found.alias_size_in_bytes
    )


def fits(program: jax.stages.Compiled, free: int) -> bool:
    """Whether a compiled program has room in so many bytes, with some to spare."""
    return needed_bytes(program) <= _SHARE * free


def lanes_side_by_side(
    most: int,
    compiled: Callable[[int], jax.stages.Compiled],
    report: Callable[[str], None] | None = None,
) -> int:
    """`fitting_lanes` by all the memory that the device has: always as many.

    Pictures that are computed side by side round in another way. So where less memory
    is free than they need, and they have to be fewer, it is said.

    Args:
      most: lanes wanted.
      compiled: the program of that many lanes.
      report: takes that line.
    """
    lanes = fitting_lanes(most, compiled, whole_bytes())
    free = free_bytes()
    if lanes == 1 or _has(compiled(lanes), free):
        return lanes
    fewer = fitting_lanes(lanes, compiled, free)
    if fewer < lanes and report:
        report(f"{_short(free)}: {fewer} side by side, not {lanes} {_UNUSUAL}")
    return fewer


def has_room(
    program: jax.stages.Compiled,
    report: Callable[[str], None] | None = None,
    otherwise: str = "",
) -> bool:
    """Whether a program fits, as a rule by all the memory that the device has.

    Args:
      program: compiled.
      report: takes a line where it is only that less is free.
      otherwise: what is done then, for that line.
    """
    if not fits(program, whole_bytes()):
        return False
    free = free_bytes()
    if not (found := _has(program, free)) and report:
        report(f"{_short(free)}: {otherwise} {_UNUSUAL}")
    return found


def _has(program: jax.stages.Compiled, free: int) -> bool:
    """Whether so much that is free is enough; a CPU's program would be killed."""
    return needed_bytes(program) <= (_SHARE * free if is_shared() else free)


def _short(free: int) -> str:
    return f"little memory is free, {free / 1e9:.2f} GB"


def fitting_lanes(
    most: int, compiled: Callable[[int], jax.stages.Compiled], free: int
) -> int:
    """The largest number of lanes, up to `most`, whose program fits.

    Nothing is run: the compiler says what a program will need. In most cases the first
    one fits and is the one used. Four are compiled at most: then, and where the needs
    are not a base and so much a lane, it may be fewer lanes than would fit.

    Args:
      most: lanes wanted.
      compiled: the program of that many lanes.
      free: bytes, as `free_bytes` gives.
    """
    room, lanes = _SHARE * free, most
    needs: list[tuple[int, int]] = []
    while lanes > 1 and len(needs) < _COMPILED:
        needs.append((lanes, needed_bytes(compiled(lanes))))
        if needs[-1][1] <= room:
            return lanes
        last = len(needs) == _COMPILED - 1
        lanes = lanes // 2 if last else min(lanes - 1, _guess(needs, room))
    return 1


def _guess(needs: Sequence[tuple[int, int]], room: float) -> int:
    """How many lanes should fit, by the last needs of more, in bytes."""
    lanes, needed = needs[-1]
    base = 0.0  # A program's need is at most in proportion to its lanes.
    if len(needs) > 1:
        more, needed_more = needs[-2]
        base = max(0.0, needed - lanes * (needed_more - needed) / (more - lanes))
    if needed <= base:
        return 1
    return math.floor(lanes * (room - base) / (needed - base) + 1e-9)
