"""Answers of a process that reads what may crash or hang it, one after the other."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence

Answer = tuple[int, str, str]
"""Inputs done, what came of the last one, and what there is to say of it."""


def answers(
    script: str,
    arguments: Sequence[str],
    *,
    first: int,
    inputs: int,
    seconds: float,
    ends: Callable[[str], bool] = lambda outcome: True,
) -> Iterator[Answer]:
    """What `script --work ...` prints, a pair a line, and how it ends.

    Args:
      script: path of a program.
      arguments: after `--work`.
      first: inputs done before.
      inputs: to be done in all.
      seconds: for one of them.
      ends: whether an answer of that outcome is the last of its input.
    """
    process = subprocess.Popen(
        [sys.executable, script, "--work", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    descriptor, buffer, done = process.stdout.fileno(), b"", first
    try:
        while True:
            # The first answer waits for the imports as well.
            wait = seconds + 60 * (done == first)
            if not select.select([descriptor], [], [], wait)[0]:
                yield done + 1, "hang", f"over {wait:.0f} s"
                return
            block = os.read(descriptor, 1 << 16)
            if not block:
                break
            *lines, buffer = (buffer + block).split(b"\n")
            for line in lines:
                outcome, detail = json.loads(line)
                done += ends(outcome)
                yield done, outcome, detail
        status = process.wait()
        if done < inputs:
            yield done + 1, "crash", f"with status {status}"
    finally:
        process.kill()
        process.communicate()
