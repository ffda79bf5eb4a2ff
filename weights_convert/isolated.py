"""A weights file read in a process of its own, where a library in C parses it.

HDF5 and MATLAB files go through libraries that were not made for hostile files: they
may crash, loop, or ask for memory without end (SciPy 1.17 dies of one in 150 mutated
MAT-files; see tests/fuzz/fuzz_weights.py). A child process with limits on memory
and time takes that upon itself, and what it returns is checked as it arrives.

    python -m weights_convert.isolated FORMAT FILE     the child, writing to its output
"""

import contextlib
import json
import math
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from weights_convert import formats
from weights_convert.errors import WeightsError
from weights_convert.formats.limits import allowance

# Python, numpy and the libraries; then what is read, twice while it is turned around.
_BASE_MEMORY = 1 << 30
_BASE_SECONDS = 60.0
_BYTES_A_SECOND = 5e6

_MAX_HEADER = 1 << 16
_MAX_ARRAYS = 10_000


def read_file(
    path: Path, *, seconds: float | None = None
) -> tuple[formats.Format, dict[str, np.ndarray]]:
    """Finds a file's format by its content and reads its arrays.

    Args:
      path: a weights file of any known format.
      seconds: time that a child process may take; by default by the file's size.

    Returns:
      `(format, {key: array})` under the file's own keys.

    Raises:
      WeightsError: no known format; damaged; what its reader says; or reading it
        crashed, took too long, or asked for too much memory.
    """
    found = formats.detect(path)
    if not found.isolated:
        return found, found.read(path)
    if seconds is None:
        seconds = _BASE_SECONDS + path.stat().st_size / _BYTES_A_SECOND
    try:
        with _child(found.name, path, seconds) as output:
            return found, dict(_arrays(path, output))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{path}: reading it gave nonsense; damaged or hostile, get it again"
        ) from error


@contextlib.contextmanager
def _child(name: str, path: Path, seconds: float) -> Iterator[BinaryIO]:
    """The child's output; its end is told apart after the block."""
    process = subprocess.Popen(
        # -P: nothing is imported from the folder that the user happens to be in.
        [sys.executable, "-P", "-m", "weights_convert.isolated", name, str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "OPENBLAS_NUM_THREADS": "1",  # each thread takes address space
        },
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield cast(BinaryIO, process.stdout)
    except EOFError:
        status = process.wait()
        if late.is_set():
            reason = f"took over {seconds:.0f} s"
        elif status < 0:
            reason = f"ended in {signal.Signals(-status).name}"
        else:
            reason = f"failed with status {status}"
        raise WeightsError(
            f"{path}: reading it {reason}; damaged or hostile, get it again"
        ) from None
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


def _arrays(path: Path, output: BinaryIO) -> Iterator[tuple[str, np.ndarray]]:
    """What `main` writes; EOFError where it ends early."""
    left = allowance(path)
    for _ in range(_MAX_ARRAYS):
        line = output.readline(_MAX_HEADER)
        if not line.endswith(b"\n"):
            raise EOFError
        header = json.loads(line)
        if "error" in header:
            raise WeightsError(str(header["error"]))
        if "end" in header:
            return
        dtype, shape = np.dtype(header["dtype"]), tuple(header["shape"])
        if dtype.kind not in "fiub" or not all(side >= 0 for side in shape):
            raise ValueError(f"an array of {dtype} {shape}")
        size = math.prod(shape) * dtype.itemsize
        left -= size
        if left < 0:
            break
        data = np.empty(size, np.uint8)
        view, filled = data.data, 0
        while filled < size:
            count = output.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                raise EOFError
            filled += count
        yield str(header["key"]), data.view(dtype).reshape(shape)
    raise WeightsError(f"{path}: holds more than any network; damaged or hostile")


def _limit(path: Path) -> None:
    limit = _BASE_MEMORY + 2 * allowance(path)
    with contextlib.suppress(ValueError, OSError):  # a tighter one may stand already
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(name: str, path: Path, output: BinaryIO) -> None:
    """Reads a file within limits and writes its arrays, or one line of error.

    A line of JSON (`key`, `dtype`, `shape`) before the bytes of each array, `end` after
    the last; or `error`.
    """

    def say(**header: object) -> None:
        output.write(json.dumps(header).encode() + b"\n")

    _limit(path)
    try:
        chosen = {item.name: item for item in formats.FORMATS}[name]
        for key, array in chosen.read(path).items():
            plain = np.ascontiguousarray(array)
            say(key=key, dtype=plain.dtype.str, shape=array.shape)
            output.write(plain.reshape(-1).view(np.uint8).data)
        say(end=True)
    except WeightsError as error:
        say(error=str(error))
    except MemoryError:
        say(error=f"{path}: asks for more memory than there is")
    except Exception as error:
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        say(error=f"{path}: damaged ({reason}); get it again")
    output.flush()


if __name__ == "__main__":
    # What libraries print must not stand between the arrays.
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with open(answers, "wb") as pipe:
        main(sys.argv[1], Path(sys.argv[2]), pipe)
