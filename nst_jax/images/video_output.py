"""Writing a clip: painted frames with the time stamps and the sound of another."""

import contextlib
import fractions
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from nst_jax.errors import ImageError, NstError
from nst_jax.images import outputs
from nst_jax.images.video import EXACT, FORMATS, Frame, Reader, StrPath, colour_space

# Without frames that depend on later ones, whose packets are in another order: in an
# MP4 of a variable rate they shift the end.
_QUALITY = {
    "libx264": {"crf": "18", "preset": "medium", "bf": "0"},
    "libvpx-vp9": {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4"},
}


class Writer:
    """Writes a clip that gets its name only once it is complete; a context.

    Left by an exception it leaves nothing but what was there before. `stop` ends it
    early: what was written until then is a clip.

    Attributes:
      padded: whether a row or a column is repeated, as the codec's are even.
    """

    def __init__(
        self,
        path: StrPath,
        reader: Reader,
        shape: tuple[int, int],
        *,
        description: str = "",
    ):
        """Begins a clip.

        Args:
          path: the file; see `check_writable`.
          reader: whose sound, rate, time stamps and colour space it is to have.
          shape: height and width of its frames.
          description: what made it, kept as its comment.

        Raises:
          ImageError: it can't be written, or the sound doesn't go into such a file.
        """
        import av

        self._path, self._reader = os.fspath(path), reader
        target = Path(os.path.realpath(path))
        self._target = target
        container, codec = FORMATS[Path(path).suffix.lower()]
        self._check_sound(container)
        self.padded = bool(shape[0] % 2 or shape[1] % 2)
        self._container: Any = None
        with self._explained():
            # PyAV opens it once more, by its name: the lock is the file's.
            self._temporary, self._lock = outputs.new_beside(target, "clip-")
        try:
            with self._explained():
                self._container = av.open(str(self._temporary), "w", format=container)
            self._container.metadata.update(reader.metadata)
            if description:
                self._container.metadata["comment"] = description
            self._stream = self._video(codec, shape)
            self._sounds = {
                sound: self._container.add_stream_from_template(sound)
                for sound in reader.sounds
            }
        except BaseException:
            self._discard()
            raise
        self._stopped_at: float | None = None
        self._last = 0.0
        self._lengths: dict[int, int] = {}  # Of frames that the codec has still.

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with self._explained():
                    self._end()
        finally:
            self._discard()

    def write(self, frame: Frame, image: np.ndarray) -> None:
        """Adds a frame.

        Args:
          frame: whose time it has.
          image: `[h, w, 3]` in [0, 1].
        """
        self._lengths[frame.start] = frame.length
        with self._explained():
            self._mux(self._stream.encode(self._encoded(frame, image)))
            self._last = float((frame.start + frame.length) * self._base)
            self._mux_sound(self._last)

    @property
    def bits(self) -> int:
        """To how many bits a channel frames are rounded."""
        return 16 if self._deep else 8

    @property
    def _deep(self) -> bool:
        return bool(self._stream.pix_fmt != "yuv420p")

    def stop(self) -> None:
        """No more frames will come: the sound ends with them."""
        self._stopped_at = self._last

    @property
    def _base(self) -> fractions.Fraction:
        base: fractions.Fraction = self._reader.stream.time_base
        return base

    def _video(self, codec: str, shape: tuple[int, int]) -> Any:
        source = self._reader.stream
        stream: Any = self._container.add_stream(
            codec, rate=self._reader.rate, options=_QUALITY[codec]
        )
        context, before = stream.codec_context, source.codec_context
        stream.height, stream.width = (n + n % 2 for n in shape)
        deep = before.format is not None and before.format.components[0].bits > 8
        stream.pix_fmt = "yuv420p10le" if deep and codec == "libx264" else "yuv420p"
        context.time_base = stream.time_base = self._base
        if before.sample_aspect_ratio and not self._turned():
            context.sample_aspect_ratio = before.sample_aspect_ratio
        for name in ("color_primaries", "color_trc", "colorspace"):
            setattr(context, name, getattr(before, name))
        context.color_range = 1  # As video has it, 16 to 235.
        return stream

    def _turned(self) -> bool:
        height, width = self._reader.shape
        return (height, width) != (
            self._reader.stream.height,
            self._reader.stream.width,
        )

    def _encoded(self, frame: Frame, image: np.ndarray) -> Any:
        import av

        odd = (0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)
        whole = np.pad(image, odd, "edge") if self.padded else image
        deep = self._deep
        most, kind = (65535, np.uint16) if deep else (255, np.uint8)
        pixels = np.rint(np.clip(whole, 0, 1) * most).astype(kind)
        picture: Any = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(pixels), format="rgb48le" if deep else "rgb24"
        )
        space = colour_space(self._reader.stream.codec_context)
        coded = picture.reformat(
            format=self._stream.pix_fmt,
            dst_colorspace=space,
            dst_color_range=1,
            interpolation=EXACT,
        )
        coded.pts, coded.time_base = frame.start, self._base
        coded.duration = frame.length
        return coded

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            if length := self._lengths.pop(packet.pts, 0):
                packet.duration = length
            self._container.mux(packet)

    def _mux_sound(self, until: float | None) -> None:
        waiting = self._reader.sound
        while waiting:
            packet = waiting[0]
            start = float(packet.dts * packet.time_base)
            if until is not None and start > until:
                return
            waiting.popleft()
            packet.stream = self._sounds[packet.stream]
            self._container.mux(packet)

    def _end(self) -> None:
        self._mux(self._stream.encode(None))
        self._mux_sound(self._stopped_at)
        self._container.close()
        with open(self._temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self._temporary, self._target)

    def _discard(self) -> None:
        """Takes away what has not become the clip."""
        with contextlib.suppress(Exception):  # It is thrown away, or closed already.
            self._container.close()
        self._temporary.unlink(missing_ok=True)
        self._lock.close()

    def _check_sound(self, container: str) -> None:
        import av

        for sound in self._reader.sounds:
            name = sound.codec_context.name
            with av.open(os.devnull, "w", format=container) as trial:
                known = name in trial.supported_codecs
            if not known:
                raise ImageError(
                    f"{self._path}: its sound ({name}) doesn't go into such a file as "
                    "it is; give the output the ending .mkv"
                )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Raises `ImageError` for what PyAV and the system say of the file."""
        try:
            yield
        except (OSError, ValueError) as error:
            if isinstance(error, NstError):
                raise
            reason = getattr(error, "strerror", None) or str(error)
            line = f"{self._path}: could not be written ({reason})"
            raise ImageError(line) from error
