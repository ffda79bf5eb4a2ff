"""Files that appear whole or not at all, made to fail by the system itself."""

import fcntl
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from weights_convert import files
from weights_convert.errors import WeightsError


@contextmanager
def _no_file_over(size: int) -> Iterator[None]:
    """This process can't write more to a file, as if the disk ended there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_is_written_with_its_folder_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    for content in (b"one", b"two"):
        files.write_whole(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        files.write_whole(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


def test_folders_that_it_makes_are_the_users_alone(tmp_path: Path) -> None:
    """Whatever the umask says; those that are there stay as they are."""
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    before = os.umask(0)
    try:
        files.write_whole(tmp_path / "shared/home/weights/file", b"")
        with files.alone(tmp_path / "shared/home/downloads/lock", lambda: None):
            pass
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777
        for path in tmp_path.rglob("*")
        if path.is_dir()
    }
    assert modes == {
        "shared": 0o755,
        "shared/home": 0o700,
        "shared/home/weights": 0o700,
        "shared/home/downloads": 0o700,
    }


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.write_whole(path, b"old")
    with (
        _no_file_over(1000),
        pytest.raises(WeightsError, match=f"^{path}: cannot be written .*NST_JAX_HOME"),
    ):
        files.write_whole(path, bytes(10_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"cannot be written .*; set NST_JAX_HOME"):
        files.write_whole(tmp_path / "file" / "below", b"")


def test_what_a_kill_left_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "file"
    dead, alive = (tmp_path / f"file.{n}1234567.part" for n in "ab")
    others = [tmp_path / name for name in ("file.part", "file2.a1234567.part", "x")]
    for left in (dead, alive, *others):
        left.write_bytes(b"cut")
    with alive.open("ab") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        files.write_whole(path, b"whole")
        assert {*tmp_path.iterdir()} == {path, alive, *others}
    files.clear_parts(path)
    assert {*tmp_path.iterdir()} == {path, *others}


def test_one_holds_a_lock_at_a_time(tmp_path: Path) -> None:
    lock, held, said = tmp_path / "new" / "lock", [], []

    def hold() -> None:
        with files.alone(lock, lambda: said.append("waiting")):
            held.append(1)
            time.sleep(0.02)
            assert len(held) == 1
            held.pop()

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not held
    assert 1 <= len(said) <= 3
    assert not lock.exists()


def test_who_waits_for_a_lock_may_give_up(tmp_path: Path) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    with files.alone(tmp_path / "lock", give_up):
        with (
            pytest.raises(KeyboardInterrupt),
            files.alone(tmp_path / "lock", give_up),
        ):
            raise AssertionError
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()


@pytest.mark.parametrize("number", [28, 122])  # ENOSPC, EDQUOT
def test_a_full_disk_is_said_to_be_full(number: int) -> None:
    line = str(files.write_error(Path("w"), OSError(number, os.strerror(number))))
    assert line.startswith("w: the disk is full; free some space, or set NST_JAX_HOME")


def test_hashes_are_those_of_the_standards(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")  # RFC 1321, FIPS 180
    for algorithm, digest in (
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ):
        assert files.file_digest(path, algorithm) == digest
        files.verify_file(path, algorithm, digest)
        files.verify_file(path, algorithm, digest[:8])
        with pytest.raises(WeightsError, match=f"abc: wrong hash: .*, got {digest}; "):
            files.verify_file(path, algorithm, digest[:7])
    with pytest.raises(WeightsError, match="the file was left: try again"):
        files.verify_file(path, "md5", "0" * 32)
    with pytest.raises(WeightsError, match="the file was deleted: try again"):
        files.verify_file(path, "md5", "0" * 32, delete=True)
    assert not path.exists()
