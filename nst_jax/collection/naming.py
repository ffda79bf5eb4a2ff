"""Names for the pictures of a batch: short labels, and templates filled with them.

Nothing here touches a disk, so that a batch is refused before the long work. Two names
that differ in case or in Unicode's composition only count as the same, as they do on
the file systems of macOS.
"""

import collections
import string
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from nst_jax.errors import OptionsError
from nst_jax.images import encode

MANIFEST, GALLERY, SHEET = "manifest.jsonl", "index.html", "contact_sheet.jpg"
"""Files that a batch's folder has besides the pictures."""

DEFAULT_TEMPLATE = "{content}_{style}{varied}.png"
"""`varied` is what the job's caller says, such as "" or "_style_weight=10"."""

_LONGEST = 100  # Bytes of a label: two and an option fit into a file name's 255.
_FORBIDDEN = frozenset('/\\:*?"<>|')


def labels(paths: Sequence[str], known: Mapping[str, str] | None = None) -> list[str]:
    """One short label a path, fit for file names and distinct for distinct paths.

    It is the stem of the file. Where several share one, all of them get their ending
    (`cat_jpg`, `cat_png`), then their folder (`home_cat`, `zoo_cat`), then the folders
    above, and at last a number. The order of the paths doesn't matter; a path that is
    given twice has the same label twice.

    Args:
      paths: of files, which need not exist.
      known: labels that paths have already, and keep; others get none of them.

    Returns:
      Labels without separators, control characters and leading dots.
    """
    known = known or {}
    possible = {path: candidates(path) for path in dict.fromkeys(paths)}
    possible |= {path: [label] for path, label in known.items()}
    level = dict.fromkeys(possible, 0)
    while True:
        groups = collections.defaultdict(list)
        for path, names in possible.items():
            groups[_key(names[level[path]])].append(path)
        shared = [group for group in groups.values() if len(group) > 1]
        moved: dict[str, int] = {}
        for group in shared:
            step = _step(group, level)
            further = {path: level[path] + step for path in group}
            moved |= {p: n for p, n in further.items() if n < len(possible[p])}
        if not moved:
            break
        level |= moved
    chosen = {path: names[level[path]] for path, names in possible.items()}
    taken = set(groups)
    for path in sorted({path for group in shared for path in group} - known.keys()):
        chosen[path] = _numbered(possible[path][0], taken)
        taken.add(_key(chosen[path]))
    return [chosen[path] for path in paths]


def file_names(
    template: str,
    jobs: Sequence[Mapping[str, str]],
    *,
    reserved: Sequence[str] = (),
    option: str = "template",
) -> list[str]:
    """Fills a template such as `{style}/{content}_{style_weight}.jpg` for each job.

    Args:
      template: names with placeholders in braces; `{{` stands for a brace.
      jobs: for each the values of its placeholders, the same ones for all. What a file
        name can't hold becomes `_` in them: only the template makes folders.
      reserved: names that are taken, such as the contact sheet's.
      option: how the user knows the template; messages begin with it.

    Returns:
      Paths relative to the output folder, distinct, with `/` as separator.

    Raises:
      OptionsError: a placeholder that is unknown or more than a name; unbalanced
        braces; a name whose ending can't be written, that leaves the folder, is
        reserved, or is the name of two jobs.
    """
    said = f"{option}={template!r}"
    if not jobs:
        return []
    used = _placeholders(template, list(jobs[0]), said)
    taken: dict[str, int] = {_key(name): -1 for name in reserved}
    names: list[str] = []
    for index, job in enumerate(jobs):
        values = {name: safe(job[name]) for name in used}
        name = _checked(template.format_map(values), said)
        other = taken.setdefault(_key(name), index)
        if other < 0:
            message = f"{name} is the name of another file of the batch"
            raise OptionsError(f"{said}: {message}; choose another")
        if other != index:
            raise OptionsError(f"{said}: {_both(name, jobs[other], job, used)}")
        names.append(name)
    return names


def candidates(path: str) -> list[str]:
    """Labels of a path, the shortest first: at even places without the ending."""
    pure = PurePath(path)
    folders = [p for p in pure.parts[:-1] if p not in (pure.anchor, ".", "..")]
    names = []
    for first in reversed(range(len(folders) + 1)):
        name = "_".join([*folders[first:], pure.stem])
        names += [name, name + pure.suffix.replace(".", "_")]
    return [_label(name) for name in names]


def varied_text(varied: Mapping[str, Any], separator: str) -> str:
    """What tells a picture from others, as text: each part after a separator."""
    return "".join(f"{separator}{name}={_text(v)}" for name, v in varied.items())


def _text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def safe(text: str) -> str:
    """Puts `_` for separators, control characters, and bytes that are no text."""
    return "".join(
        "_" if letter in _FORBIDDEN or _is_control(letter) else letter
        for letter in unicodedata.normalize("NFC", text)
    )


def _is_control(letter: str) -> bool:
    # Cc: control; Cs: surrogates, Python's stand-ins for bytes that are no UTF-8; the
    # others end lines, or turn the direction of what follows.
    turns = "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"
    return turns or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _step(group: Sequence[str], level: Mapping[str, int]) -> int:
    # An ending that all of them have tells none apart: on to the folders.
    endings = {_key(PurePath(path).suffix) for path in group}
    return 2 if len(endings) == 1 and all(level[path] % 2 == 0 for path in group) else 1


def _label(text: str) -> str:
    name = safe(text).lstrip(". ").rstrip(". ")
    cut = name.encode()[:_LONGEST].decode(errors="ignore")
    return cut.rstrip(". ") or "picture"


def _numbered(name: str, taken: set[str]) -> str:
    number = 1
    while _key(f"{name}_{number}") in taken:
        number += 1
    return f"{name}_{number}"


def _placeholders(template: str, known: Sequence[str], said: str) -> list[str]:
    # In order of appearance, checked: `str.format` would read attributes and items.
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        message = f"{str(error)[:1].lower()}{str(error)[1:]}"
        advice = "write {{ or }} for a brace in the name"
        raise OptionsError(f"{said}: {message}; {advice}") from None
    names = []
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if spec or conversion:
            more = (f"!{conversion}" if conversion else "") + (
                f":{spec}" if spec else ""
            )
            message = f"{{{name}{more}}} is more than a name; write {{{name}}}"
            raise OptionsError(f"{said}: {message}")
        if name not in known:
            listed = ", ".join(f"{{{key}}}" for key in known)
            raise OptionsError(f"{said}: {{{name}}} is not known; there are {listed}")
        names.append(name)
    return names


def _checked(name: str, said: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or PureWindowsPath(name).drive:
        message = f"{name!r} is an absolute path; give one inside of the output folder"
        raise OptionsError(f"{said}: {message}")
    if ".." in path.parts:
        raise OptionsError(f"{said}: {name!r} leaves the output folder; leave out '..'")
    if path.suffix.lower() not in encode.FORMATS:
        problem = f"the ending {path.suffix!r}" if path.suffix else "no ending"
        allowed = ", ".join(encode.FORMATS)
        raise OptionsError(f"{said}: {name!r} has {problem}; give one of {allowed}")
    return str(path)


def _both(
    name: str, one: Mapping[str, str], two: Mapping[str, str], used: Sequence[str]
) -> str:
    # Which two jobs have one name, and what to add to the template.
    differing = [key for key in one if one[key] != two[key]]
    told = [key for key in differing if key not in ("varied", "index")]
    shown = told or [key for key in ("content", "style") if key in one]
    pair = " and ".join(
        ", ".join(f"{key}={' '.join(job[key].split())}" for key in shown)
        for job in (one, two)
    )
    helping = [key for key in differing if key not in used and key != "index"]
    if not helping and "index" in differing and "index" not in used:
        helping = ["index"]
    if not helping:
        return f"{name} is the name of two jobs ({pair}); leave one of them out"
    advice = " or ".join(f"{{{key}}}" for key in helping)
    return f"{name} is the name of two jobs ({pair}); add {advice}"
