"""One file by pooch: resumed after a cut, verified before it gets its name.

Pooch's own downloader begins half a gigabyte anew after each cut, so pooch is given one
that goes on. It compares whole hashes only; of some files eight digits are published.
"""

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import http.client
import itertools
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import pooch  # type: ignore[import-untyped]
import requests
import urllib3
from tqdm import tqdm

from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.files import (
    expect_room,
    file_digest,
    open_part,
    verify_file,
    write_error,
)
from weights_convert.formats import foreign
from weights_convert.version import version

_HEAD = 1024  # bytes that tell a web page from a file
_EARLY = "the connection ended early"
_PASSING = (408, 416, 429, 500, 502, 503, 504)  # statuses worth another attempt


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a download waits, in seconds, and how often it tries.

    `connect` bounds the whole way to the answer's headers: name look-up and every
    address of the host included, `read` the wait for the next byte. A connection that
    brings less than `slowest` bytes a second over `window` is given up. `attempts`
    counts failures in a row that bring the file forward by less than that; the wait
    before the next one is `backoff`, then twice, four times that.
    """

    connect: float = 10.0
    read: float = 30.0
    attempts: int = 4
    backoff: float = 1.0
    slowest: float = 1000.0
    window: float = 30.0

    @property
    def least(self) -> float:
        """Bytes that count as progress."""
        return self.slowest * self.window


class _CutError(Exception):
    """The connection ended too early; another attempt may get further."""


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

    A file that is there with the right hash stays. What a cut leaves in `<path>.part`
    is where the next call goes on (HTTP Range), and what a kill leaves there whole is
    taken. A terminal shows a progress bar. Proxies are those of the environment.

    Args:
      url: http or https address.
      path: where the file goes; its folder is made.
      size: the file's length in bytes; None takes the server's word for it.
      algorithm: name of the hash, as `hashlib` knows it.
      digest: the expected hash, in hex; or its first digits, eight or more.
      patience: time limits and number of attempts.

    Raises:
      SourceUnavailableError: the host cannot be reached, answers with an error or
        something else than a file, or the file stays incomplete after every attempt.
      WeightsError: wrong hash (the part is deleted), no room or no right to write.
    """
    part = path.with_name(path.name + ".part")
    digits = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    known = f"{algorithm}:{digest}" if len(digest) == digits else None
    patience = patience or Patience()

    def fill(url: str, output_file: str, _: object) -> None:
        with open_part(part) as file:
            before = file.tell()
            if not (before and size in (None, before) and _is_right(part)):
                _Transfer(url, path, file, size, patience).run()
                file.flush()
                if before and not _is_right(part):  # what was there before is to blame
                    file.seek(file.truncate(0))
                    _Transfer(url, path, file, size, patience).run()
                    file.flush()
            verify_file(part, algorithm, digest, delete=True)
        _give(part, Path(output_file))

    def _is_right(file: Path) -> bool:
        return file_digest(file, algorithm).startswith(digest)

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")
    try:
        if known is None:  # pooch would take any file of that name
            with contextlib.suppress(FileNotFoundError, WeightsError):
                verify_file(path, algorithm, digest, delete=True)
        pooch.retrieve(url, known, path.name, path.parent, downloader=fill)
        part.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        logger.setLevel(level)


def _give(part: Path, output: Path) -> None:
    """The part as pooch's temporary file too: a run that is killed there keeps it."""
    output.unlink()
    try:
        output.hardlink_to(part)
    except OSError:  # a file system without links
        part.replace(output)


class _Transfer:
    """Fills `file`, the part of `path`, to `size` bytes; goes on from what it holds."""

    def __init__(
        self, url: str, path: Path, file: BinaryIO, size: int | None, patience: Patience
    ):
        self._url, self._path, self._file, self._size = url, path, file, size
        self._patience, self._begun, self._ranges = patience, file.tell(), True
        self._bar = tqdm(desc=path.name, unit="B", unit_scale=True, disable=None)

    def run(self) -> None:
        """Makes attempts until the file is whole or none brings more."""
        failures, furthest = 0, self._file.tell()
        with self._bar:
            while (start := self._file.tell()) != self._size:
                try:
                    self._attempt(start)
                except (_CutError, urllib3.exceptions.HTTPError) as cut:
                    here = self._file.tell()
                    gained = here - furthest >= self._patience.least
                    failures = 1 if gained else failures + 1
                    furthest = max(furthest, here)
                    if failures >= self._patience.attempts:
                        raise self._given_up(cut, here, failures) from cut
                    time.sleep(self._patience.backoff * 2 ** (failures - 1))

    def _given_up(
        self, cut: Exception, here: int, failures: int
    ) -> SourceUnavailableError:
        kept = "; what arrived is kept, run the command again to go on" if here else ""
        return SourceUnavailableError(
            f"{self._url}: truncated: {_reason(cut)}, got {here} of"
            f" {self._size or 'unknown'} bytes and {failures} attempts brought hardly"
            f" more{kept}"
        )

    def _attempt(self, start: int) -> None:
        if self._size is not None:
            if start > self._size:  # the part is of another file
                start = self._restart()
            expect_room(self._path, self._size - start)
        with self._answer(start) as response:
            if response.status_code != 206:
                start = 0  # all of it comes again
            if self._size is None:
                if not (rest := response.headers.get("Content-Length", "")).isdecimal():
                    raise SourceUnavailableError(
                        f"{self._url}: the server doesn't say how long it is"
                    )
                expect_room(self._path, int(rest))
                self._size = start + int(rest)
            self._bar.total, self._bar.n = self._size, start
            self._take(_blocks(response.raw, self._patience), start, self._size)
        if self._file.tell() < self._size:
            raise _CutError(_EARLY)

    def _take(self, blocks: Iterator[bytes], start: int, size: int) -> None:
        """Writes what comes behind `start`; at 0 it must not be what is no file."""
        head = b""
        for block in blocks:
            if start == 0 and len(head) < _HEAD:
                began, head = not head, head + block[:_HEAD]
                if (found := foreign.sent_instead(head)) is not None:
                    if not began:  # else what an earlier run left stays
                        self._restart()
                    raise SourceUnavailableError(
                        f"{self._url}: the server sent {found}, not the file"
                    )
                if began and self._file.tell():
                    self._restart()
            if self._file.tell() + len(block) > size:
                self._restart()
                raise WeightsError(
                    f"{self._url}: longer than the {size} bytes it should have; not the"
                    " file that was published"
                )
            self._file.write(block)
            self._bar.update(len(block))

    def _restart(self) -> int:
        self._file.truncate(0)
        return self._file.seek(0)

    def _answer(self, start: int) -> requests.Response:
        """The server's answer, its headers read; errors are final ones or passing."""
        headers = {"User-Agent": f"nst-jax/{version()}", "Accept-Encoding": "identity"}
        if start and self._ranges:
            headers["Range"] = f"bytes={start}-"
        try:
            response = _get(self._url, headers, self._patience)
        except (OSError, ValueError) as error:  # requests' own are OSErrors
            if self._file.tell() != self._begun:
                raise _CutError(_reason(error)) from error
            raise SourceUnavailableError(
                f"cannot reach {urllib.parse.urlsplit(self._url).netloc}:"
                f" {_reason(error)}; check the network, or set NST_JAX_MIRROR to a"
                " mirror"
            ) from error
        where = unsafe([one.url for one in (*response.history, response)])
        if response.ok and where is None:
            return response
        response.close()
        if where is not None:
            raise SourceUnavailableError(f"{self._url}: led to {where}, not https")
        said = f"the server answers {response.status_code} {response.reason}"
        if response.status_code == 416:  # the part is of another file, or no ranges
            self._ranges = False
        if response.status_code in _PASSING:
            raise _CutError(said)
        raise SourceUnavailableError(f"{self._url}: {said}")


def unsafe(urls: Sequence[str]) -> str | None:
    """The first address that isn't https, though one before it was.

    Hashes tell a wrong file in any case; whoever listens should see nothing either.
    """
    behind = itertools.dropwhile(lambda url: not url.startswith("https:"), urls)
    return next((url for url in behind if not url.startswith("https:")), None)


def _get(url: str, headers: dict[str, str], patience: Patience) -> requests.Response:
    """The answer, its headers read; given up after `patience.connect`.

    Requests' own timeout is that of each of a host's addresses, a dozen for some, and
    the look-up of its name has none.
    """
    limits = (patience.connect, patience.read)
    answer: concurrent.futures.Future[requests.Response] = concurrent.futures.Future()

    def ask() -> None:
        try:
            got = requests.get(url, headers=headers, stream=True, timeout=limits)
            answer.set_result(got)
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(patience.connect)
    except TimeoutError:
        raise TimeoutError(f"no answer within {patience.connect:g} s") from None


def _blocks(body: urllib3.BaseHTTPResponse, patience: Patience) -> Iterator[bytes]:
    """The body as it comes; `_CutError` where it comes too slowly."""
    began, come = time.monotonic(), 0
    while block := body.read1(1 << 16, decode_content=False):
        yield block
        come += len(block)
        if (now := time.monotonic()) - began >= patience.window:
            if come < patience.least:
                raise _CutError(
                    f"{come / (now - began):.0f} bytes a second are too slow"
                )
            began, come = now, 0


def _reason(error: BaseException) -> str:
    """What the operating system said, below the libraries' exceptions around it."""
    while below := error.__cause__ or (
        None if error.__suppress_context__ else error.__context__
    ):
        error = below
    if isinstance(error, http.client.IncompleteRead):
        return _EARLY
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())
