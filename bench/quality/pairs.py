"""The pairs of photos and paintings that systems are compared on, fixed beforehand.

`pairs.json` names them, with the hashes of the files. Half of them, "tune", are for
choosing defaults; the others, "judge", are for judging what was chosen, and nobody
tunes on them. No photo is in both halves. Paintings are, as they are few.
"""

import dataclasses
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from bench.workload import ROOT
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files

LIST = Path(__file__).with_name("pairs.json")
SPLITS = ("tune", "judge")


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photo to be painted, and the painting that says how.

    Attributes:
      name: of the pair.
      photo: its file.
      painting: its file.
      split: "tune" or "judge".
    """

    name: str
    photo: Path
    painting: Path
    split: str


def names(split: str = "") -> list[str]:
    """The names of the pairs of a half, or of all."""
    listed = json.loads(LIST.read_text())["pairs"]
    return [one["name"] for one in listed if split in ("", one["split"])]


def find(
    wanted: Collection[str], folder: Path | None = None, *, listing: Path = LIST
) -> list[Pair]:
    """The pairs of these names, in the order of the list, their files checked.

    Args:
      wanted: names of pairs.
      folder: of `photos/` and `images/`, which are no part of the project; None: the
        folder `shared` in the project or beside it.
      listing: the file that names all pairs.

    Raises:
      OptionsError: a name that isn't known.
      ImageError: a picture that isn't there, or is another one.
    """
    listed = json.loads(listing.read_text())
    known = [one["name"] for one in listed["pairs"]]
    if unknown := sorted(set(wanted) - set(known)):
        raise OptionsError(
            f"pairs={','.join(unknown)}: not known; known are {', '.join(known)}"
        )
    found = []
    for one in listed["pairs"]:
        if one["name"] in wanted:
            places = [_place(one[kind], folder) for kind in ("photo", "painting")]
            for key, place in zip((one["photo"], one["painting"]), places, strict=True):
                _check(place, listed["sha256"][key])
            found.append(Pair(one["name"], *places, one["split"]))
    return found


def _place(path: str, folder: Path | None) -> Path:
    if path.startswith("examples/"):
        return ROOT / path
    folders: Sequence[Path] = [ROOT / "shared", ROOT.parent / "shared"]
    if folder is not None:
        folders = [folder]
    for one in folders:
        if (one / path).is_file():
            return one / path
    raise ImageError(
        f"{path}: not in {' or '.join(map(str, folders))}; the pictures aren't part of "
        "the project: name the folder that has photos/ and images/ by --pictures"
    )


def _check(path: Path, expected: str) -> None:
    if files.digest(path) != expected:
        raise ImageError(
            f"{path}: is another picture than the one of bench/quality/pairs.json, "
            "whose figures it would falsify; restore it"
        )
