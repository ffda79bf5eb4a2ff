"""Pictures that were sent: checked, and kept under random names."""

import contextlib
import dataclasses
import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Any

from nst_jax.errors import ImageError, plain
from nst_jax.images import files, kinds
from nst_jax.images.frames import Shape
from nst_jax.web import private, shown
from nst_jax.web.limits import Limits
from nst_jax.web.refusals import AbsentError, LimitError
from nst_jax.web.settings import settings

IDENTIFIER = re.compile("[0-9a-f]{16}")
"""Of uploads and jobs; nothing else becomes a part of a path."""

_NAME = 80  # Characters.
_TYPES = {
    **{"id": str, "name": str, "digest": str},
    **{"width": int, "height": int, "created": float},
}


@dataclasses.dataclass(frozen=True)
class Upload:
    """A picture that was sent.

    Attributes:
      id: its random name.
      name: that of the sender's file, for people; never a path.
      width: in pixels, upright.
      height: likewise.
      created: seconds since the epoch.
      settings: of a result of ours, see `settings`; else None.
      digest: SHA-256 of the file, as hex; "" of those that were kept without.
    """

    id: str
    name: str
    width: int
    height: int
    created: float
    settings: dict[str, Any] | None = None
    digest: str = ""

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        told = dataclasses.asdict(self)
        del told["created"], told["digest"]
        return told


class Uploads:
    """The uploads of a folder.

    Attributes:
      decoding: is held while a picture that was sent is decoded: each may take a
        gigabyte.
    """

    def __init__(self, folder: Path, limits: Limits, report: Callable[[str], None]):
        """Reads back what the folder has; what is damaged is passed over."""
        self._folder, self._limits = private.inner(folder), limits
        self._lock, self.decoding = threading.RLock(), threading.Lock()
        self._uploads: dict[str, Upload] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                self._uploads[path.stem] = _read(path)
            except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
                report(f"{path}: passed over ({type(error).__name__})")

    def add(
        self,
        body: bytes,
        name: str,
        needed: Collection[str],
        free: Callable[[set[str]], Collection[str]] | None = None,
    ) -> Upload:
        """Takes in a picture that was sent; the same file of the same name is one.

        Args:
          body: of its file.
          name: that it had.
          needed: uploads that jobs need, which are kept however many there are.
          free: where all are needed, takes them, makes jobs need one less if it can,
            and gives those that are needed then; see `Ledger.free`.

        Raises:
          ImageError: no picture, or one that is damaged or has too many pixels.
          LimitError: too large, or too many are needed.
        """
        if len(body) > self._limits.body_bytes:
            raise LimitError(
                f"{len(body)} bytes are more than {self._limits.body_bytes}, the limit"
            )
        name, digest = shown_name(name), hashlib.sha256(body).hexdigest()
        with self.decoding:  # One after the other.
            if known := self._known(digest, name):
                return known
            (height, width), small, told = self._looked_at(body, name)
            about = name, width, height, time.time(), settings(told), digest
            upload = Upload(secrets.token_hex(8), *about)
            with self._lock:
                self.clean(needed, room=1)
                if free and self._is_full:
                    self.clean(free(set(self._uploads)), room=1)
                if self._is_full:
                    raise LimitError("too many pictures are kept: remove jobs first")
                self._keep(upload, body, small)
        return upload

    @property
    def _is_full(self) -> bool:
        return len(self._uploads) >= self._limits.uploads

    def _known(self, digest: str, name: str) -> Upload | None:
        """The same file, if it was sent before; it is as one that was sent now."""
        with self._lock:
            for one in self._uploads.values():
                if (one.digest, one.name) == (digest, name):
                    again = dataclasses.replace(one, created=time.time())
                    self._uploads[one.id] = again
                    with contextlib.suppress(OSError):  # It then goes a bit earlier.
                        self._tell(again)
                    return again
        return None

    def _tell(self, upload: Upload) -> None:
        path = self._folder / f"{upload.id}.json"
        private.write_json(path, dataclasses.asdict(upload))

    def _keep(self, upload: Upload, body: bytes, small: bytes) -> None:
        path = self._folder / upload.id
        try:
            private.write(path, body)
            private.write(path.with_suffix(".jpg"), small)
            self._tell(upload)
        except OSError as error:
            self._unlink(upload.id)
            raise LimitError(
                f"{upload.name}: can't be kept ({error.strerror})"
            ) from error
        self._uploads[upload.id] = upload

    def _looked_at(self, body: bytes, name: str) -> tuple[Shape, bytes, Any]:
        """Shape, a JPEG to be shown, and description of a picture."""
        try:
            if kind := kinds.unread(name):
                raise ImageError(
                    f"is a {kind} picture, which can't be read; give a PNG or JPEG"
                )
            shape = files.shape(body)
            if shape[0] * shape[1] > self._limits.pixels:
                raise ImageError(
                    f"has more than {self._limits.pixels:,} pixels, the limit; scale "
                    "it down first"
                )
            small = shown.jpeg_of(body, self._limits.live_side)
            return shape, small, files.read_description(body)
        except ImageError as error:
            line = str(error).removeprefix(f"picture of {len(body)} bytes: ")
            raise ImageError(f"{name}: {line}") from error

    def get(self, identifier: str) -> Upload:
        """An upload.

        Raises:
          AbsentError: there is none of that name.
        """
        with self._lock:
            if identifier in self._uploads:
                return self._uploads[identifier]
        raise AbsentError(f"there is no picture {identifier!r:.40}; send it again")

    def __contains__(self, identifier: str) -> bool:
        with self._lock:
            return identifier in self._uploads

    def path(self, identifier: str) -> Path:
        """The file of an upload, as it was sent."""
        return self._folder / self.get(identifier).id

    def small(self, identifier: str) -> Path:
        """A JPEG of it to be shown."""
        return self.path(identifier).with_suffix(".jpg")

    def clean(self, needed: Collection[str], *, room: int = 0) -> None:
        """Removes what no job needs and is old, or more than are kept.

        Args:
          needed: uploads that jobs need.
          room: so many more are coming.
        """
        with self._lock:
            free = [one for one in self._uploads.values() if one.id not in needed]
            free.sort(key=lambda one: one.created)
            many = len(self._uploads) + room - self._limits.uploads
            oldest = time.time() - self._limits.upload_seconds
            for place, upload in enumerate(free):
                if place < many or upload.created < oldest:
                    del self._uploads[upload.id]
                    self._unlink(upload.id)
            if not room:
                self._sweep()

    def _sweep(self) -> None:
        """Removes files of no upload, such as of one whose keeping failed."""
        for name in os.listdir(self._folder):
            stem = name.split(".")[0]
            if IDENTIFIER.fullmatch(stem) and stem not in self._uploads:
                self._unlink(stem)

    def _unlink(self, identifier: str) -> None:
        for ending in ("", ".jpg", ".json"):
            with contextlib.suppress(OSError):
                os.unlink(self._folder / f"{identifier}{ending}")


def _read(path: Path) -> Upload:
    found = private.read_json(path)
    upload = Upload(**found)
    good = all(isinstance(getattr(upload, n), t) for n, t in _TYPES.items())
    if not good or upload.id != path.stem or not IDENTIFIER.fullmatch(upload.id):
        raise ValueError(path)
    if not path.with_suffix("").is_file() or not path.with_suffix(".jpg").is_file():
        raise FileNotFoundError(path)
    return upload


def shown_name(name: str) -> str:
    """The name of a sender's file as people see it: one line, no folder, not long."""
    last = plain(PurePosixPath(name.replace("\\", "/")).name)
    text = last.encode("utf-8", "replace").decode().strip()
    if len(text) > _NAME:
        stem, dot, ending = text.rpartition(".")
        keep = dot and len(ending) <= 5
        text = f"{stem[: _NAME - 6]}.{ending}" if keep else text[:_NAME]
    return text if text.strip(". ") else "picture"
