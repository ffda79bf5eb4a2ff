"""Clips: the frames of a video, upright, with their time stamps, and its sound.

PyAV is imported when a clip is opened: it is an extra, `pip install 'nst-jax[video]'`.
"""

import collections
import contextlib
import dataclasses
import fractions
import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

import numpy as np

from nst_jax.errors import ImageError, NstError
from nst_jax.images import outputs

StrPath = str | os.PathLike[str]

FORMATS = {
    ".mp4": ("mp4", "libx264"),
    ".m4v": ("mp4", "libx264"),
    ".mov": ("mov", "libx264"),
    ".mkv": ("matroska", "libx264"),
    ".webm": ("webm", "libvpx-vp9"),
}
"""What can be written, by the file's ending: container, codec."""

_ENDINGS = {*FORMATS, ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"}
_ENDINGS |= {".3gp", ".ogv"}
_TAIL = 0.1  # Seconds; files are that wrong about their length.
MARK = '{"nst_jax"'
"""How the comment begins of clips that were made here."""
_RATE = fractions.Fraction(25)  # Of a clip that doesn't say.
EXACT = 0x4 | 0x2000 | 0x4000 | 0x40000
"""Of FFmpeg's scaler: bicubic, all chroma, accurate rounding. By default it rounds down
and darkens a clip by more than a level of 255 each time."""

_UNKNOWN = 2  # What FFmpeg has for a colour space that isn't said.


@dataclasses.dataclass(frozen=True)
class Frame:
    """A frame, upright.

    Attributes:
      image: `[h, w, 3]` float32 in [0, 1].
      start: when it is shown, in time bases of its stream.
      length: how long, likewise; 0 where nobody knows.
    """

    image: np.ndarray
    start: int
    length: int


def is_clip(path: StrPath) -> bool:
    """Whether a file's ending is that of a video."""
    return Path(path).suffix.lower() in _ENDINGS


def check_writable(path: StrPath) -> None:
    """Finds out early that no clip can be written as `path`.

    Raises:
      ImageError: another ending, or see `outputs.check_place`.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        problem = f"the ending is {ending!r}" if ending else "no ending"
        allowed = ", ".join(FORMATS)
        raise ImageError(f"{os.fspath(path)}: {problem}; give a clip one of {allowed}")
    outputs.check_place(path)


class Reader:
    """The frames of a clip's largest video stream; use it as a context.

    Attributes:
      shape: height and width of its frames, upright.
      count: of its frames, as the file says; 0: it doesn't.
      stream: PyAV's stream.
      sounds: PyAV's streams of sound.
      sound: packets of sound that were read with the frames.
      damage: a line about what couldn't be read, or "".
    """

    def __init__(self, path: StrPath):
        """Opens a clip.

        Raises:
          ImageError: no such file, no video, or none that can be decoded.
          NstError: PyAV isn't installed.
        """
        self._path, self.damage, self.read = os.fspath(path), "", 0
        _check_there(self._path)
        self._container = _opened(self._path)
        streams = [s for s in self._container.streams.video if not _is_cover(s)]
        if not streams:
            self._container.close()
            raise ImageError(f"{self._path}: has no video; give a clip that has")
        self.stream: Any = max(streams, key=lambda s: (s.width or 0) * (s.height or 0))
        self.stream.thread_type = "AUTO"
        self.sounds = list(self._container.streams.audio)
        self.sound: collections.deque[Any] = collections.deque()
        self.count = int(self.stream.frames or 0)
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None:
            self._container.close()
            raise ImageError(f"{self._path}: no frame can be decoded; get it again")
        self.shape = self._first.image.shape[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(ValueError):  # A thread is at work on it still.
            self._frames.close()
            self._container.close()

    @property
    def rate(self) -> fractions.Fraction:
        """Frames a second, on the whole."""
        stream = self.stream
        return stream.average_rate or stream.guessed_rate or _RATE

    @property
    def metadata(self) -> dict[str, str]:
        """What the file says of itself, such as its title."""
        return dict(self._container.metadata)

    def frames(self) -> Generator[Frame]:
        """The frames, once, in their order; what can't be decoded is left out."""
        assert self._first is not None
        yield self._first
        yield from self._frames

    def _decoded(self) -> Generator[Frame]:
        import av

        bad, last, reached = 0, -(2**62), 0.0
        packets = self._container.demux(self.stream, *self.sounds)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                if packet.stream is not self.stream:
                    if packet.dts is not None:
                        self.sound.append(packet)
                        end = packet.dts + (packet.duration or 0)
                        reached = max(reached, float(end * packet.time_base))
                    continue
                found = packet.decode()
            except av.error.FFmpegError:
                bad += 1
                if bad > 1000:
                    break
                continue
            for frame in found:
                frame = self._frame(frame, last)
                if frame is not None:
                    last, self.read = frame.start, self.read + 1
                    end = last + frame.length
                    reached = max(reached, float(end * self.stream.time_base))
                    yield frame
        if bad or self._missing(reached) > max(_TAIL, float(3 / self.rate)):
            more = f" of {self.count}" if self.count > self.read else ""
            self.damage = (
                f"{self._path}: damaged or cut short: {self.read} frames{more} could "
                "be read"
            )

    def _missing(self, reached: float) -> float:
        """Seconds that the file says it has after what could be read."""
        container = self._container
        start = (container.start_time or 0) / 1e6
        return (container.duration or 0) / 1e6 - (reached - start)

    def _frame(self, frame: Any, last: int) -> Frame | None:
        start = frame.pts
        if start is None:
            step = 1 / (self.rate * self.stream.time_base)
            start = round(self.read * step)
        if start <= last:
            return None  # Shown at the same time as the one before, or earlier.
        deep = frame.format.components[0].bits > 8
        pixels = frame.reformat(
            format="rgb48le" if deep else "rgb24",
            src_colorspace=colour_space(frame),
            interpolation=EXACT,
        ).to_ndarray()
        image = pixels.astype(np.float32) / np.float32(65535 if deep else 255)
        turns = round(frame.rotation / 90) % 4
        if self.read and turns == 0 and image.shape[:2] != self.shape:
            return None  # A stream that changes its size on the way.
        return Frame(np.rot90(image, turns), start, int(frame.duration or 0))


def is_ours(path: StrPath) -> bool:
    """Whether a file is a clip that `nst-jax apply` made."""
    try:
        with _opened(os.fspath(path)) as container:
            found = {key.lower(): text for key, text in container.metadata.items()}
            return found.get("comment", "").startswith(MARK)
    except NstError:
        return False


def _check_there(path: str) -> None:
    """Raises `ImageError` if a path leads to no file with something in it."""
    try:
        status = os.stat(path)
    except OSError as error:
        reason = (error.strerror or "can't be opened").lower()
        raise ImageError(f"{path}: {reason}; check the name") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise ImageError(f"{path}: is {kind}; give a video")
    if not status.st_size:
        raise ImageError(f"{path}: is empty; get it again")


def _opened(path: str) -> Any:
    try:
        import av
    except ImportError:
        raise NstError(
            "clips need PyAV: install it with pip install 'nst-jax[video]'"
        ) from None
    try:
        return av.open(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise ImageError(
            f"{path}: is not a video, or cut short or damaged; give an MP4, MOV, MKV "
            "or WebM"
        ) from error


def _is_cover(stream: Any) -> bool:
    """Whether a stream is a picture of the album, and no video."""
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def colour_space(source: Any) -> int | None:
    """The colour space that a frame or a codec says it has, as the scaler takes it."""
    space = int(source.colorspace)
    return None if space == _UNKNOWN else space
