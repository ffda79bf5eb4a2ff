"""What was painted and measured: lines of JSON, each written as soon as it is known."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.quality.yardstick import VERSION
from nst_jax.errors import OptionsError

PICTURES, SCORES, RATES = "pictures.jsonl", "scores.jsonl", "rates.jsonl"

_KEY = ("pair", "system", "recipe", "strength", "size", "limit")


@dataclasses.dataclass(frozen=True)
class Folder:
    """A folder of records, and one of the pictures that they are about.

    Attributes:
      results: of the records.
      pictures: of the pictures, which are no part of the project.
    """

    results: Path
    pictures: Path

    def painted(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Records of pictures that are there, by `key`; later ones count."""
        return {
            key(record): record
            for record in _lines(self.results / PICTURES)
            if (self.pictures / record["file"]).is_file()
        }

    def told(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """Records of all pictures, also of those that aren't here any more."""
        return {key(record): record for record in _lines(self.results / PICTURES)}

    def scored(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Figures by pair and hash of the picture's file, those that are comparable."""
        return {
            (record["pair"], record["sha256"]): record
            for record in _lines(self.results / SCORES)
            if record["version"] == VERSION
        }

    def rates(self) -> Iterator[dict[str, Any]]:
        """Records of what steps take."""
        return _lines(self.results / RATES)

    def add(self, name: str, record: Mapping[str, Any]) -> None:
        """Appends a record to `PICTURES`, `SCORES` or `RATES`."""
        self.results.mkdir(parents=True, exist_ok=True)
        with (self.results / name).open("a") as file:
            file.write(json.dumps(record) + "\n")


def key(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a picture from others."""
    return tuple(record[name] for name in _KEY)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            yield json.loads(line)
        except ValueError:
            raise OptionsError(
                f"{path}, line {number}: is no record; a run that was killed may have "
                "left it: delete the line"
            ) from None
