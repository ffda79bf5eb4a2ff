"""Names that the pictures of a folder have already, so that new ones change none."""

import collections
import dataclasses
import itertools
import json
import os
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from nst_jax.collection import blends, naming
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
      contents: labels of photos, by path.
      styles: of paintings, likewise.
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
    named = [(entry, _values(template, entry)) for entry in entries]
    for key, kept in (("content", found.contents), ("style", found.styles)):
        labels_of = {
            getattr(entry, key): values[key]
            for entry, values in named
            if values and key in values and len(blends.split(getattr(entry, key))) == 1
        }
        # Of two that have one label, what is still there keeps it.
        by_label: dict[str, str] = {}
        for path in sorted(labels_of, key=lambda path: not os.path.exists(path)):
            by_label.setdefault(labels_of[path], path)
        kept |= {path: label for label, path in by_label.items()}
    for entry, values in named:
        if values and "index" in values:
            which = slot(entry.content, entry.style, entry.varied)
            found.numbers.setdefault(which, []).append(int(values["index"]))
    return found


def labels(paths: Sequence[str], kept: Mapping[str, str]) -> list[str]:
    """`naming.labels` of paths, of which some have one already.

    A path has one however it is spelled, or if it has the file name of one that is
    gone: it was moved.
    """
    there = {identity(path): path for path in kept if os.path.exists(path)}
    which = {path: identity(path) for path in paths}
    known = {path: kept[there[i]] for path, i in which.items() if i in there}
    known |= {there[i]: kept[there[i]] for i in there.keys() - set(which.values())}
    gone = {_file(path): path for path in kept.keys() - set(there.values())}
    new = [path for path in which if path not in known]
    files = collections.Counter(map(_file, new))
    known |= {
        path: kept[gone[_file(path)]]
        for path in new
        if _file(path) in gone and files[_file(path)] == 1
    }
    return naming.labels(paths, known)


def _file(path: str) -> str:
    return PurePath(path).name


def _values(template: str, entry: Entry) -> dict[str, str] | None:
    """What the template's placeholders stand for in the name of a picture."""
    try:
        parts = [
            (text, name) for text, name, _, _ in string.Formatter().parse(template)
        ]
    except ValueError:
        return None
    # Nearly all have the plainest labels; a pattern takes longer.
    plain = {
        name: blends.AND.join(labels[0] for labels in _labels(name, entry))
        for name in ("content", "style")
    }
    texts = [text + (plain.get(n) or _text(n, entry) if n else "") for text, n in parts]
    if "".join(texts) == entry.output:
        return plain
    pattern, seen = "", set()
    for text, name in parts:
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
        parts = ("|".join(map(re.escape, one)) for one in _labels(name, entry))
        labels = re.escape(blends.AND).join(rf"(?:{one})(?:_\d+)?" for one in parts)
        return f"(?P<{name}>{labels})"
    if isinstance(entry.options.get(name), list):
        return ".*?"  # JSON has no tuples, whose text it was.
    return re.escape(_text(name, entry))


def _labels(name: str, entry: Entry) -> list[list[str]]:
    """What each original of a picture may be called: of a blend several."""
    paths = (entry.content,) if name == "content" else blends.split(entry.style)
    return [naming.candidates(path) for path in paths]


def _text(name: str, entry: Entry) -> str:
    if name == "varied":
        return naming.safe(naming.varied_text(entry.varied, "_"))
    return naming.safe(f"{entry.options.get(name)}")
