"""Fuzzes the reading of pictures: an image or an ImageError, and nothing else.

    python tests/fuzz/fuzz_images.py --inputs=5000
    python tests/fuzz/fuzz_images.py --inputs=2000 --kind=tif --keep=found

Each kind of files gets so many, made by mutating good and odd ones
(`images_mutations.py`), in a process with little memory and some seconds for each. Of
each the shape, the picture, a small one and the opacity are read, by the path and as
bytes, and its description. Counted are files that could be read, those refused with an
ImageError of one line that begins with the name, and what may not be: other exceptions,
pictures that are none, crashes and hangs.

The same --seed makes the same files. Needs the extra `test`. The status is 1 where
something happened that may not. docs/reliability.md has the table of 36,000 files of
November 2026: all were read or refused.
"""

import argparse
import dataclasses
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":  # as pytest does, by pyproject.toml
    sys.path[:1] = [str(Path(__file__).resolve().parents[up]) for up in (1, 2)]

import numpy as np
from fuzz import workers
from fuzz.images_mutations import mutate, seeds
from PIL import Image

from nst_jax.errors import ImageError
from nst_jax.images import files

OUTCOMES = ("read", "refused", "error", "crash", "hang")

_SECONDS = 10.0
_SPARE_MEMORY = 1 << 30
_PIXELS = 2**20
"""Pillow's limit here, so that headers of large pictures take no minutes."""


@dataclasses.dataclass
class Tally:
    """What became of a kind's inputs: `counts` by outcome, `faults` in words."""

    kind: str
    counts: dict[str, int]
    faults: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def fuzz(kind: str, inputs: int, seed: int, keep: Path | None = None) -> Tally:
    """Reads so many mutated files of a kind of `seeds()`.

    Args:
      kind: of them.
      inputs: number of files.
      seed: decides which.
      keep: folder for the files that a fault was found with.

    Returns:
      The outcomes; `faults` is empty if all is well.
    """
    tally = Tally(kind, dict.fromkeys(OUTCOMES, 0))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        done = 0
        while done < inputs:  # again after each crash
            answers = _worker(kind, done, inputs, seed, folder)
            for done, outcome, detail in answers:
                tally.counts[outcome] += 1
                if outcome in ("read", "refused"):
                    continue
                tally.faults.append(f"input {done - 1}: {outcome} {detail}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{kind}-{seed}-{done - 1}").write_bytes(
                        made(kind, done - 1, seed)
                    )
    tally.seconds = time.perf_counter() - start
    return tally


def made(kind: str, index: int, seed: int) -> bytes:
    """The input of this number."""
    generator = random.Random(f"{kind} {seed} {index}")
    return mutate(generator.choice(seeds()[kind]), generator)


def _worker(
    kind: str, first: int, inputs: int, seed: int, folder: str
) -> Iterator[tuple[int, str, str]]:
    """`(files tried, outcome, detail)` of each file, from a process of its own."""
    arguments = [kind, str(first), str(inputs), str(seed), folder]
    yield from workers.answers(
        __file__,
        arguments,
        first=first,
        inputs=inputs,
        seconds=_SECONDS,
    )


def work(kind: str, first: int, inputs: int, seed: int, folder: str) -> None:
    """The process: reads the files from number `first` on, a line of JSON for each."""
    Image.MAX_IMAGE_PIXELS = _PIXELS
    path = Path(folder) / "input"
    for content in seeds()[kind]:  # libraries load and grow before memory is counted
        path.write_bytes(content)
        try_out(path)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + _SPARE_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for index in range(first, inputs):
        path.write_bytes(made(kind, index, seed))
        print(json.dumps(try_out(path)), flush=True)


def try_out(path: Path) -> tuple[str, str]:
    """`(outcome, detail)` of reading a file in every way that there is."""
    try:
        files.read_description(path)
    except ImageError:
        pass
    except BaseException as error:
        return "error", f"its description: {type(error).__name__}: {error}"
    outcomes = []
    for given in (path, path.read_bytes()):
        name = str(path) if given is path else "picture of "
        try:
            lines: list[str] = []
            shape, image = files.shape(given), files.read(given, report=lines.append)
            small = files.read(given, ratio=(2, 3), size=(5, 7))
            opacity = files.read_opacity(given)
        except ImageError as error:
            line = str(error)
            if "\n" in line or not line.startswith(name):
                return "error", f"refused without a name or in two lines: {line}"
            outcomes.append("refused")
            continue
        except BaseException as error:
            return "error", f"{type(error).__name__}: {error}"
        outcomes.append("read")
        if wrong := _wrong(shape, image, small, opacity, lines):
            return "error", wrong
    if len({*outcomes}) > 1:
        return "error", f"by its path {outcomes[0]}, by its bytes {outcomes[1]}"
    return outcomes[0], ""


def _wrong(
    shape: tuple[int, int],
    image: np.ndarray,
    small: np.ndarray,
    opacity: np.ndarray,
    lines: list[str],
) -> str:
    """What is wrong with what was read; "" if nothing is."""
    found = image.shape, small.shape, opacity.shape
    if found != ((*shape, 3), (5, 7, 3), shape):
        return f"its shape {shape} became {found}"
    for one in (image, small, opacity):
        if one.dtype != np.float32 or not np.isfinite(one).all():
            return f"values of {one.dtype} that are not finite"
        if one.min() < 0 or one.max() > 1:
            return f"values from {one.min()} to {one.max()}"
    return next((f"two lines: {line}" for line in lines if "\n" in line), "")


def main() -> int:
    """Runs the kinds asked for and prints a table of outcomes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=5000, help="files a kind")
    parser.add_argument("--kind", choices=list(seeds()), help="this one only")
    parser.add_argument("--seed", type=int, default=2014)
    parser.add_argument("--keep", type=Path, help="folder for files with faults")
    parser.add_argument("--work", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        kind, first, inputs, seed, folder = arguments.work
        work(kind, int(first), int(inputs), int(seed), folder)
        return 0
    print(
        f"{'kind':<8}{'files':>7}" + "".join(f"{name:>9}" for name in OUTCOMES), end=""
    )
    print(f"{'seconds':>9}")
    faults = 0
    for kind in [arguments.kind] if arguments.kind else seeds():
        tally = fuzz(kind, arguments.inputs, arguments.seed, arguments.keep)
        counts = "".join(f"{tally.counts[name]:>9}" for name in OUTCOMES)
        print(
            f"{kind:<8}{len(seeds()[kind]):>7}{counts}{tally.seconds:>9.0f}", flush=True
        )
        for fault in tally.faults[:10]:
            print(f"  {fault[:300]}")
        faults += len(tally.faults)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
