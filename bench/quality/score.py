"""Figures of pictures that were painted, each once; see `yardstick`."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bench.quality.eyes import Eyes
from bench.quality.painters import painting_of, photo_of
from bench.quality.pairs import Pair
from bench.quality.records import SCORES, Folder
from bench.quality.yardstick import VERSION, Yardstick
from nst_jax.errors import ImageError
from nst_jax.images import files


def score(
    painted: Sequence[Mapping[str, Any]],
    pairs: Sequence[Pair],
    folder: Folder,
    eyes: Callable[[], tuple[Eyes, Sequence[np.ndarray]]],
    *,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Measures pictures that aren't measured yet.

    Args:
      painted: records of pictures.
      pairs: among which theirs are.
      folder: of the pictures, and of the records.
      eyes: opens the eyes, with the layers of LPIPS; asked if any picture is left.
      say: takes a line for each picture.

    Returns:
      A record for each picture: that of `painted` with "scaled", "raw" and
      "artefacts".

    Raises:
      ImageError: a picture that is no longer what it was, or of another shape.
    """
    known = {pair.name: pair for pair in pairs}
    done = folder.scored()
    left = [one for one in painted if _named(one) not in done]
    left.sort(key=_place)
    opened = eyes() if left else None
    for (name, size), several in itertools.groupby(left, key=_place):
        assert opened is not None
        pair = known[name]
        measure = Yardstick(*opened, photo_of(pair, size), painting_of(pair, size))
        for one in several:
            found = dataclasses.asdict(measure(_read(one, folder, pair, size)))
            record = {
                "sha256": one["sha256"],
                "version": VERSION,
                **{field: one[field] for field in ("pair", "system", "strength")},
                **found,
            }
            folder.add(SCORES, record)
            done[_named(one)] = record
            say(f"{name}: {one['system']} x{one['strength']}, {_told(found)}")
    return [{**one, **_figures(done[_named(one)])} for one in painted]


def _place(record: Mapping[str, Any]) -> tuple[str, int]:
    return record["pair"], record["size"]


def _named(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["pair"], record["sha256"]


def _figures(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("scaled", "raw", "artefacts")}


def _read(
    record: Mapping[str, Any], folder: Folder, pair: Pair, size: int
) -> np.ndarray:
    path = folder.pictures / record["file"]
    if files.digest(path) != record["sha256"]:
        raise ImageError(f"{path}: was changed since it was painted; delete it")
    picture, shape = files.read(path), photo_of(pair, size).shape
    if picture.shape != shape:
        raise ImageError(f"{path}: is {picture.shape}, and the photo {shape}")
    return picture


def _told(found: Mapping[str, Any]) -> str:
    shown = {n: v for n, v in found["scaled"].items() if "." not in n and v is not None}
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(shown.items()))
