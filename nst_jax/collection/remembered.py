"""Names that the pictures of a folder have already, so that new ones change none."""

import dataclasses
import itertools
import json
import os
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nst_jax.collection import naming
from nst_jax.collection.manifest import Entry
from nst_jax.images.outputs import identity

Slot = tuple[object, object, str]
"""What a name stands for: the files of photo and painting, and what is varied."""


def slot(content: str, style: str, varied: Mapping[str, Any]) -> Slot:
    """Of a photo, a painting, and what tells their pictures apart."""
    plain = json.dumps(varied, sort_keys=True, default=str)
    return identity(content), identity(style), plain


@dataclasses.dataclass
class Remembered:
    """Labels of originals, and numbers of pictures, that names of before have.

    Attributes:
      contents: labels of photos that are still there, by path.
      styles: likewise of paintings.
      numbers: of pictures, by what they show.
    """

    contents: dict[str, str] = dataclasses.field(default_factory=dict)
    styles: dict[str, str] = dataclasses.field(default_factory=dict)
    numbers: dict[Slot, list[int]] = dataclasses.field(default_factory=dict)

    def indices(self, slots: Sequence[Slot]) -> list[int]:
        """A number for each picture: the one it had, or its place, or a later one."""
        left = {which: list(numbers) for which, numbers in self.numbers.items()}
        taken = {number for numbers in left.values() for number in numbers}
        found = []
        for place, which in enumerate(slots):
            if left.get(which):
                found.append(left[which].pop(0))
                continue
            number = next(n for n in itertools.count(place) if n not in taken)
            taken.add(number)
            found.append(number)
        return found


def names(template: str, entries: Iterable[Entry]) -> Remembered:
    """What the names of pictures that a template gave before tell.

    Args:
      template: of the names, as `naming.file_names` takes it.
      entries: of these pictures. Those named by another template tell nothing.
    """
    found = Remembered()
    for entry in entries:
        values = _values(template, entry)
        if values is None:
            continue
        for kept, path, key in (
            (found.contents, entry.content, "content"),
            (found.styles, entry.style, "style"),
        ):
            label = values.get(key)
            if label and label not in kept.values() and os.path.exists(path):
                kept.setdefault(path, label)
        if "index" in values:
            which = slot(entry.content, entry.style, entry.varied)
            found.numbers.setdefault(which, []).append(int(values["index"]))
    return found


def labels(paths: Sequence[str], kept: Mapping[str, str]) -> list[str]:
    """`naming.labels` of paths, of which some have one, however they are spelled."""
    spelled = {identity(path): path for path in kept}
    known = {
        path: kept[spelled[i]] for path in paths if (i := identity(path)) in spelled
    }
    mine = {identity(path) for path in known}
    others = {path: kept[path] for i, path in spelled.items() if i not in mine}
    return naming.labels(paths, {**others, **known})


def _values(template: str, entry: Entry) -> dict[str, str] | None:
    """What the template's placeholders stand for in the name of a picture."""
    pattern, seen = "", set()
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return None
    for text, name, _, _ in parts:
        pattern += re.escape(text)
        if name in seen:
            pattern += f"(?P={name})"
        elif name is not None:
            pattern += _pattern(name, entry)
            seen.update({name} & {"content", "style", "index"})
    match = re.fullmatch(pattern, entry.output)
    return match.groupdict() if match else None


def _pattern(name: str, entry: Entry) -> str:
    if name == "index":
        return r"(?P<index>\d{4,})"
    if name in ("content", "style"):
        path = entry.content if name == "content" else entry.style
        either = "|".join(map(re.escape, naming.candidates(path)))
        return rf"(?P<{name}>(?:{either})(?:_\d+)?)"
    if name == "varied":
        return re.escape(naming.safe(naming.varied_text(entry.varied, "_")))
    value = entry.options.get(name)
    return ".*?" if isinstance(value, list) else re.escape(naming.safe(f"{value}"))
