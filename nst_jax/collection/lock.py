"""A folder kept for one process, so that two batches don't make everything twice."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nst_jax.collection.wanted import no_folder
from nst_jax.errors import OptionsError

NAME = ".nst_jax.lock"


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a folder, which is made if need be; other processes are refused meanwhile.

    One that was made for it and is still empty at the end is taken away again.

    The lock is the system's: it ends with the process, however that ends, and a file
    that is left blocks nobody. Where a file system has no locks there is none.

    Raises:
      OptionsError: another process has it, or the folder can't be made.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise no_folder(folder, error.errno) from None
    path = folder / NAME
    file = _locked(path)
    try:
        yield
    finally:
        if file is not None:
            with contextlib.suppress(OSError):
                path.unlink()
                if made:
                    folder.rmdir()  # Fails where anything is in it.
            file.close()


def _locked(path: Path) -> BinaryIO | None:
    while True:
        try:
            # It may have been taken away by another process that is done.
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+b")  # noqa: SIM115  It is held.
        except OSError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may have removed the file since.
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                file.truncate(0)
                file.write(str(os.getpid()).encode())
                file.flush()
                return file
        except FileNotFoundError:
            pass
        except BlockingIOError:
            file.seek(0)
            number = file.read(20).decode(errors="replace")
            file.close()
            raise OptionsError(
                f"{path.parent}: another process ({number or 'of no known number'}) is "
                "at work in this folder; wait for its end, or choose another folder"
            ) from None
        except OSError:  # No locks here, or no room for the number.
            with contextlib.suppress(OSError):
                path.unlink()
            file.close()
            return None
        file.close()
