"""A folder kept for one process."""

import os
import subprocess
import sys

import pytest

from nst_jax.collection import lock
from nst_jax.errors import OptionsError


def test_one_at_a_time(tmp_path):
    folder = tmp_path / "deep" / "out"
    with lock.held(folder):
        # Locks are of open files: within a process too.
        with pytest.raises(OptionsError) as caught, lock.held(folder):
            pass
        line = f"{folder}: another process ({os.getpid()}) is at work in this folder"
        assert str(caught.value).startswith(line)
        with lock.held(tmp_path / "other"):
            pass
    assert not folder.exists()
    with lock.held(folder):
        (folder / "picture.png").touch()
    with lock.held(folder):
        pass
    assert os.listdir(folder) == ["picture.png"]


def test_what_a_killed_process_left_blocks_nobody(tmp_path):
    (tmp_path / lock.NAME).write_text("123")
    with lock.held(tmp_path):
        assert (tmp_path / lock.NAME).read_text() == str(os.getpid())
    assert os.listdir(tmp_path) == []  # A folder that was there stays.


@pytest.mark.slow  # A process of its own.
def test_a_process_that_is_killed_keeps_nothing(tmp_path):
    code = "import sys, time, pathlib; from nst_jax.collection import lock\n"
    code += (
        "with lock.held(pathlib.Path(sys.argv[1])): print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"\n"
    with pytest.raises(OptionsError, match=str(process.pid)), lock.held(tmp_path):
        pass
    process.kill()
    process.communicate()
    with lock.held(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_or_locked(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OptionsError, match="can't be made"),
        lock.held(tmp_path / "file"),
    ):
        pass
    (tmp_path / lock.NAME).mkdir()  # No file to lock, as where nobody may write.
    with lock.held(tmp_path):
        pass
