"""Files to be written: none that is read, none that would be lost."""

import fcntl
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from nst_jax.errors import ImageError
from nst_jax.images import files, outputs
from nst_jax.images.outputs import Output


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, with a photo by several names."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(b"a photo")
    Path("link.png").symlink_to("photos/a.png")
    Path("chain.png").symlink_to("link.png")
    os.link("photos/a.png", "hard.png")
    Path("folder").symlink_to("photos")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *("photos/a.png", "./photos//a.png", "photos/../photos/a.png"),
        *("link.png", "chain.png", "hard.png", "folder/a.png"),
    ],
)
def test_what_is_read_is_not_written(place, name):
    for output in (name, place / name):
        with pytest.raises(ImageError, match=r"is read too \(as photos/a.png\)"):
            outputs.check_apart(["new.png", output], ["photos/a.png"])
    outputs.check_apart(["photos/b.png", "a.png"], ["photos/a.png", "gone.png"])


def test_nothing_is_written_twice(place):
    Path("dangling.png").symlink_to("new.png")
    for one, other in (("new.png", "./new.png"), ("new.png", "dangling.png")):
        with pytest.raises(ImageError, match=f"{other}: is written twice"):
            outputs.check_apart([one, other], [])


@pytest.mark.parametrize(
    ("overwrite", "chosen", "ours", "allowed"),
    [
        (None, False, False, False),
        (None, True, False, True),
        (None, False, True, True),
        (True, False, False, True),
        (False, True, True, False),
    ],
)
def test_what_may_be_replaced(place, overwrite, chosen, ours, allowed):
    output = Output(Path("photos/a.png"), lambda _: ours, chosen)
    if allowed:
        assert outputs.replaced([output], overwrite) == [output.path]
    else:
        with pytest.raises(ImageError, match=r"photos/a\.png: exists"):
            outputs.replaced([output], overwrite)
    Path("empty.png").touch()
    for name in ("empty.png", "new.png"):  # Nothing to lose.
        assert outputs.replaced([Output(Path(name), lambda _: False)], overwrite) == []


def test_many_that_are_replaced_are_a_line():
    assert outputs.told(["a"]) == "nst-jax: a will be replaced"
    assert outputs.told(list("abcde")) == "nst-jax: a, b, c and 2 more will be replaced"


def test_what_is_no_regular_file_is_refused(place):
    os.mkfifo("pipe.png")
    Path("null.png").symlink_to("/dev/null")
    Path("loop.png").symlink_to("loop.png")
    image = np.zeros((2, 2, 3), np.float32)
    for name, line in {
        "pipe.png": "is no regular file; give the name of a file",
        "null.png": "is no regular file; give the name of a file",
        "loop.png": "can't be written (Too many levels of symbolic links)",
        "a\0b.png": "can't be written (embedded null byte); choose another name",
    }.items():
        with pytest.raises(ImageError) as caught:
            files.write(name, image)
        shown = name.replace("\0", r"\x00")
        assert str(caught.value).startswith(f"{shown}: {line}")
    assert os.readlink("null.png") == "/dev/null"


def test_pictures_of_ours_are_known(place):
    image = np.zeros((2, 2, 3), np.float32)
    for ending in ("png", "jpg", "webp", "tif"):
        files.write(f"ours.{ending}", image, description={"loss": 1.0})
        files.write(f"plain.{ending}", image)
        assert files.is_ours(f"ours.{ending}")
        assert not files.is_ours(f"plain.{ending}")
    assert not files.is_ours("photos/a.png")


def test_leftovers_go_and_what_is_written_stays(place):
    dead, alive = (f".nst_jax-{letter * 16}.tmp" for letter in "0a")
    for name in (dead, alive, ".nst_jax-notes.tmp", "x.nst_jax-0000000000000000.tmp"):
        Path(name).write_text("half")
    with open(alive, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        outputs.clear_leftovers(place)
    left = {name for name in os.listdir() if "nst_jax" in name}
    assert left == {alive, ".nst_jax-notes.tmp", "x.nst_jax-0000000000000000.tmp"}
    outputs.clear_leftovers(place)
    assert not Path(alive).exists()
    outputs.clear_leftovers(place / "nowhere")


def test_who_writes_in_a_folder_clears_it(place):
    """Once, of pictures and of clips; what others are writing stays."""
    clip, picture = (f".nst_jax-{kind}{'0' * 16}.tmp" for kind in ("clip-", ""))
    for name in (clip, picture):
        Path(name).write_text("half")
    being_written, file = outputs.new_beside(place / "new.mp4", "clip-")
    with file:
        assert not {clip, picture} & {*os.listdir()}
        outputs.clear_leftovers(place)
        assert being_written.exists()
        Path(clip).write_text("half")
        outputs.write_whole("state", b"whole")
        assert Path(clip).exists()  # A folder of thousands is not listed each time.
    outputs.clear_leftovers(place)
    assert not [name for name in os.listdir() if name.endswith("tmp")]


def test_a_file_that_is_being_cleared_away_is_not_written(place, monkeypatch):
    """Another has locked it between its making and the lock of who made it."""
    locks, flock, others = [], fcntl.flock, []

    def taken(file, how):
        if not locks:
            others.append(open(file.name, "r+b"))  # noqa: SIM115
            flock(others[0], how)
        locks.append(file.name)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", taken)
    outputs.write_whole("state", b"whole")
    assert Path("state").read_bytes() == b"whole"
    assert len(set(locks)) == 2
    assert Path(locks[0]).exists()  # Who has locked it removes it.
    others[0].close()


def test_a_file_being_written_is_no_leftover(place):
    ended = threading.Event()

    def clear():
        while not ended.is_set():
            outputs.clear_leftovers(place)

    clearing = threading.Thread(target=clear)
    clearing.start()
    try:
        for number in range(50):
            outputs.write_whole("state", bytes([number]) * 1000)
            assert Path("state").read_bytes() == bytes([number]) * 1000
    finally:
        ended.set()
        clearing.join()
