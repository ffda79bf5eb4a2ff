"""Every odd file of `support/odd_files.py` is read as it should, or refused in a line.

By the path and, where there is one, by its bytes; a clock ends what would hang.
"""

import faulthandler
import os
import stat

import numpy as np
import pytest
from support import odd_files
from support.odd_pictures import Opens, Refused

from nst_jax.errors import ImageError, plain
from nst_jax.images import files


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of all, with what is to become of each; and a clock."""
    folder = tmp_path_factory.mktemp("odd")
    faulthandler.dump_traceback_later(120, exit=True)
    yield folder, odd_files.fill(folder)
    faulthandler.cancel_dump_traceback_later()


def outcome(given, name):
    """What becomes of a file; its image is one, its lines are lines about it."""
    lines: list[str] = []
    try:
        image = files.read(given, report=lines.append)
    except ImageError as error:
        return Refused(_without(name, str(error)))
    assert image.dtype == np.float32
    assert image.shape[2] == 3
    assert 0 <= image.min() <= image.max() <= 1
    assert files.shape(given) == image.shape[:2]
    return Opens(image.shape[:2], tuple(_without(name, line) for line in lines))


def _without(name, line):
    assert line == plain(line)
    if name:
        assert line.startswith(f"{name}: "), line
    return line.removeprefix(f"{name}: ")


def fits(found, expected):
    if isinstance(expected, Refused):
        return isinstance(found, Refused) and expected.words in found.words
    return (
        isinstance(found, Opens)
        and found.shape == expected.shape
        and len(found.notes) == len(expected.notes)
        and all(
            words in line
            for words, line in zip(expected.notes, found.notes, strict=True)
        )
    )


def test_there_are_many_of_both(place):
    _, outcomes = place
    refused = [one for one in outcomes.values() if isinstance(one, Refused)]
    assert len(refused) >= 80
    assert len(outcomes) - len(refused) >= 80


def test_each_is_read_or_refused_in_one_line(place, monkeypatch):
    """Opened by its name, from the folder: what is shown is what was given."""
    folder, outcomes = place
    monkeypatch.chdir(folder)
    before = sorted(os.listdir())
    found = {name: outcome(name, plain(name)) for name in outcomes}
    wrong = {
        n: (found[n], outcomes[n]) for n in found if not fits(found[n], outcomes[n])
    }
    assert not wrong
    assert sorted(os.listdir()) == before


def test_bytes_are_what_their_file_is(place):
    folder, outcomes = place
    for name, expected in outcomes.items():
        path = folder / name
        if "\0" in name or len(name) > 255 or not path.is_file():
            continue
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size < 2**20:
            continue
        content = path.read_bytes()
        found = outcome(content, f"picture of {len(content)} bytes")
        # Their ending alone tells some kinds.
        if path.suffix in (".svg", ".exr", ".nef", ".heic", ".jxl"):
            assert isinstance(found, Opens) == (name == "raw.nef")
            continue
        assert fits(found, expected), name
