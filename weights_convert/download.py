"""One file by pooch: resumed after a cut, verified before it gets its name.

Pooch's own downloader begins half a gigabyte anew after each cut, so it is given one
that goes on; and pooch compares whole hashes only, where of some files eight digits are
published.
"""

import concurrent.futures
import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import logging
import os
import shutil
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pooch
import requests
import urllib3
from tqdm import tqdm

from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.files import verify_file, write_error
from weights_convert.version import version

_PASSING = (408, 429, 500, 502, 503, 504)  # statuses that may be others a moment later


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a download waits, in seconds, and how often it tries.

    `connect` bounds the whole way to the answer's headers: name look-up and every
    address of the host included, `read` the wait for each block. `attempts` counts
    failures in a row without a byte of progress; the wait before the next one is
    `backoff`, then twice, four times that.
    """

    connect: float = 10.0
    read: float = 30.0
    attempts: int = 4
    backoff: float = 1.0


class _CutError(Exception):
    """The connection ended too early; another attempt may get further."""


class _NoAnswerError(_CutError):
    """The host was not reached at all."""


def download(
    url: str,
    path: Path,
    *,
    size: int | None,
    algorithm: str,
    digest: str,
    patience: Patience | None = None,
) -> None:
    """Brings `url` to `path`, which appears whole and verified or not at all.

    A file that is there with the right hash is left. What has arrived stays in
    `<path>.part` when the connection is cut for good, and the next call goes on from
    there (HTTP Range); a server that ignores Range is followed from the start. A
    progress bar is shown on a terminal. Proxies are those of the environment.

    Args:
      url: http or https address.
      path: where the file goes; its folder is made.
      size: the file's length in bytes; None takes the server's word for it.
      algorithm: name of the hash, as `hashlib` knows it.
      digest: the expected hash, in hex; or its first digits, eight or more.
      patience: time limits and number of attempts.

    Raises:
      SourceUnavailableError: the host cannot be reached, answers with an error, or
        the file stays incomplete after every attempt.
      WeightsError: wrong hash (the part is deleted), no room or no right to write.
    """
    whole = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    known = f"{algorithm}:{digest}" if len(digest) == whole else None
    part = path.with_name(path.name + ".part")

    def fill(url: str, verified: str, _: object) -> None:
        with _locked(part) as file:
            _Transfer(url, path, file, size, patience or Patience()).run()
            file.flush()
            verify_file(part, algorithm, digest, delete=True)
            part.replace(verified)

    try:
        with _quiet_pooch():
            if known is None:  # pooch would take any file of that name
                with contextlib.suppress(FileNotFoundError, WeightsError):
                    verify_file(path, algorithm, digest, delete=True)
            pooch.retrieve(url, known, path.name, path.parent, downloader=fill)
    except OSError as error:
        raise write_error(path, error) from error


@contextlib.contextmanager
def _quiet_pooch() -> Iterator[None]:
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    """The part, open at its end for this process alone; an empty one is deleted."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WeightsError(
                f"{part}: another process is downloading this file; wait for it"
            ) from None
        try:
            yield file
        finally:
            if os.fstat(file.fileno()).st_size == 0:
                part.unlink(missing_ok=True)


class _Transfer:
    """Fills `file`, the part of `path`, to `size` bytes; goes on from what it holds."""

    def __init__(
        self,
        url: str,
        path: Path,
        file: BinaryIO,
        size: int | None,
        patience: Patience,
    ):
        self._url, self._path, self._file, self._size = url, path, file, size
        self._patience = patience
        name = url.rsplit("/", 1)[-1]
        self._bar = tqdm(desc=name, unit="B", unit_scale=True, disable=None)
