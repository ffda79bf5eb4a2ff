"""One file over HTTP: resumed after a cut, verified before it gets its name."""

import contextlib
import dataclasses
import fcntl
import functools
import hashlib
import http.client
import os
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from weights_convert.errors import SourceUnavailableError, WeightsError
from weights_convert.store import write_error
from weights_convert.version import version

_CHUNK = 1 << 18
_SHORTEST_DIGEST = 8  # of torchvision's file names


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long a download waits, in seconds, and how often it tries.

    `connect` bounds the whole way to the answer's headers: name look-up and every
    address of the host included, which a socket's timeout alone does not. `attempts`
    counts failures in a row without a byte of progress; the wait before the next one
    is `backoff`, then twice, four times that.
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
    """Downloads `url` to `path`, which appears whole and verified or not at all.

    What has arrived stays in `<path>.part` when the connection is cut for good, and
    the next call goes on from there (HTTP Range); a server that ignores Range is
    followed from the start. A progress bar is shown on a terminal.

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
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _lock(file, part)
            patience = patience or Patience()
            try:
                if size is None:
                    size = _announced_size(url, file, patience)
                _check_room(file.tell(), size, path)
                _transfer(url, file, size, patience)
                file.flush()
                verify_file(part, algorithm, digest, delete=True)
                os.replace(part, path)
            finally:
                if os.fstat(file.fileno()).st_size == 0:
                    part.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from error


def verify_file(
    path: Path, algorithm: str, digest: str, *, delete: bool = False
) -> None:
    """Compares a file's hash with the expected one.

    Raises:
      WeightsError: they differ; the file is deleted before where `delete` is set.
    """
    found = file_digest(path, algorithm)
    if found.startswith(digest) and len(digest) >= _SHORTEST_DIGEST:
        return
    if delete:
        path.unlink()
    raise WeightsError(
        f"{path.name.removesuffix('.part')}: wrong hash: expected {algorithm} {digest},"
        f" got {found}; the file was {'deleted' if delete else 'left'}: try again, or"
        " look at what stands between you and the source"
    )


def file_digest(path: Path, algorithm: str) -> str:
    """Hash of a file's bytes, in hex."""
    with path.open("rb") as file:
        # MD5 guards against damage here, so machines that forbid it may still use it.
        new = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
        return hashlib.file_digest(file, new).hexdigest()


def _lock(file: BinaryIO, part: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WeightsError(
            f"{part}: another process is downloading this file; wait for it"
        ) from None


def _check_room(have: int, size: int, path: Path) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size - have:
        raise WeightsError(
            f"{path}: the disk has {free} bytes free and {size - have} are needed; free"
            " some space, or set NST_JAX_HOME to a folder on another disk"
        )


def _announced_size(url: str, file: BinaryIO, patience: Patience) -> int:
    """The file's length, as the server states it before sending."""
    try:
        with _answer(_request(url), file, patience) as response:
            length = response.headers.get("Content-Length", "")
    except _NoAnswerError as cut:
        raise _unreachable(url, cut) from cut
    except _CutError as cut:
        raise SourceUnavailableError(f"{url}: {cut}") from cut
    if not length.isdecimal():
        raise SourceUnavailableError(f"{url}: the server doesn't say how long it is")
    return int(length)


def _unreachable(url: str, cut: _CutError) -> SourceUnavailableError:
    host = urllib.parse.urlsplit(url).netloc
    return SourceUnavailableError(
        f"cannot reach {host}: {cut}; check the network, or set NST_JAX_MIRROR to a"
        " mirror"
    )


def _transfer(url: str, file: BinaryIO, size: int, patience: Patience) -> None:
    """Fills `file` to `size` bytes, going on from what it holds."""
    if file.tell() > size:
        file.truncate(0)
        file.seek(0)
    begun, failures = file.tell(), 0
    progress = tqdm(
        total=size,
        initial=file.tell(),
        desc=url.rsplit("/", 1)[-1],
        unit="B",
        unit_scale=True,
        disable=None,
    )
    with progress:
        while (start := file.tell()) < size:
            try:
                _attempt(url, file, size, patience, progress)
            except _CutError as cut:
                if isinstance(cut, _NoAnswerError) and file.tell() == begun:
                    raise _unreachable(url, cut) from cut
                failures = 1 if file.tell() > start else failures + 1
                if failures >= patience.attempts:
                    raise SourceUnavailableError(
                        f"{url}: truncated: {cut}, got {file.tell()} of {size} bytes"
                        f" and {failures} attempts brought no more; what arrived is"
                        " kept, run the command again to go on"
                    ) from cut
                time.sleep(patience.backoff * 2 ** (failures - 1))


def _attempt(
    url: str, file: BinaryIO, size: int, patience: Patience, progress: tqdm
) -> None:
    start = file.tell()
    with _answer(_request(url, start), file, patience) as response:
        resumed = response.status == 206 and (
            response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        )
        if start and not resumed:  # the server sends all of it again
            file.truncate(0)
            file.seek(0)
            progress.reset()
        while True:
            try:
                block = response.read(min(_CHUNK, size - file.tell() + 1))
            except (OSError, http.client.HTTPException) as error:
                raise _CutError(_reason(error)) from error
            if not block:
                break
            if file.tell() + len(block) > size:
                file.truncate(0)
                raise WeightsError(
                    f"{url}: longer than the {size} bytes it should have; not the file"
                    " that was published"
                )
            file.write(block)
            progress.update(len(block))
    if file.tell() < size:
        raise _CutError("the connection ended early")


def _request(url: str, start: int = 0) -> urllib.request.Request:
    headers = {"User-Agent": f"nst-jax/{version()}"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.Request(url, headers=headers)


def _answer(
    request: urllib.request.Request, file: BinaryIO, patience: Patience
) -> http.client.HTTPResponse:
    """The server's answer, its headers read; errors sorted into final and passing."""
    try:
        return _within(patience.connect, lambda: _open(request, patience.read))
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (408, 429, 500, 502, 503, 504):
                raise _CutError(
                    f"the server answers {error.code} {error.reason}"
                ) from error
            if error.code == 416 and file.tell():  # our part is not of its file
                file.truncate(0)
                file.seek(0)
                raise _CutError("the server's file is shorter than the part") from error
            raise SourceUnavailableError(
                f"{request.full_url}: the server answers {error.code} {error.reason}"
            ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _NoAnswerError(_reason(error)) from error


def _open(request: urllib.request.Request, timeout: float) -> http.client.HTTPResponse:
    response = urllib.request.urlopen(request, timeout=timeout)
    assert isinstance(response, http.client.HTTPResponse)
    return response


def _within(
    seconds: float, call: Callable[[], http.client.HTTPResponse]
) -> http.client.HTTPResponse:
    """`call()`, given up after `seconds`: a name look-up has no timeout of its own."""
    results: list[http.client.HTTPResponse] = []
    errors: list[BaseException] = []
    late = threading.Event()

    def work() -> None:
        try:
            response = call()
        except BaseException as error:
            errors.append(error)
            return
        results.append(response)
        if late.is_set():
            with contextlib.suppress(OSError):
                response.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    late.set()
    raise TimeoutError(f"no answer within {seconds:g} s")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and error.reason:
        error = error.reason if isinstance(error.reason, Exception) else error
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
