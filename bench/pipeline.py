"""Photos a second for training: this project's threads, and grain's.

    python -m bench.pipeline photos/ --output=bench/results/cpu_pipeline.json

Both read the same photos by the same function (decode, crop at random, resize to 256
pixels), in batches of 16, without anything else to do. Needs `pip install grain`.
"""

import argparse
import importlib.metadata
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import absl.flags
import numpy as np

from bench.runners.record import machine, peak_host_bytes
from nst_jax.feedforward.data import Photos, pictures_in
from nst_jax.images import crops

_SIZE, _BATCH, _SECONDS = 256, 16, 12.0


class _Squares:
    """A source of random access, as grain takes it."""

    def __init__(self, paths: list[Path]):
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, place: int) -> np.ndarray:
        rng = np.random.default_rng([0, place])
        return crops.random_square(self._paths[place], _SIZE, rng)


def _grain(paths: list[Path], *, threads: int, processes: int) -> Iterator[Any]:
    import grain

    squares = grain.MapDataset.source(_Squares(paths)).shuffle(seed=0).repeat()
    reading = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=64)
    batches = squares.to_iter_dataset(reading).batch(_BATCH)
    if processes:
        many = grain.MultiprocessingOptions(num_workers=processes)
        batches = batches.mp_prefetch(many)
    return iter(batches)


def _rate(batches: Iterator[Any]) -> float:
    for _ in range(4):  # Until all are at work.
        next(batches)
    began, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < _SECONDS:
        count += len(next(batches))
    return count / spent


def main() -> None:
    """Measures and prints; writes the figures if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--output", type=Path)
    flags = parser.parse_args()
    absl.flags.FLAGS.mark_as_parsed()  # Grain's processes ask for them.
    paths = pictures_in(flags.photos)
    cores = machine()["host"]["cores"]
    found: dict[str, float] = {}
    for turn in ("first", "second"):
        ours = Photos(paths, size=_SIZE, batch=_BATCH, seed=0, threads=cores)
        found[f"threads, {turn}"] = _rate(ours)
        ours.close()
        with_threads = _grain(paths, threads=cores, processes=0)
        found[f"grain's threads, {turn}"] = _rate(with_threads)
        apart = _grain(paths, threads=1, processes=cores)
        found[f"grain's processes, {turn}"] = _rate(apart)
    record = {
        **machine(),
        "photos": len(paths),
        "photos_per_second": found,
        "peak_bytes": peak_host_bytes(),
        "versions": {n: importlib.metadata.version(n) for n in ("grain", "pillow")},
    }
    print(json.dumps(record, indent=2))
    if flags.output:
        flags.output.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
