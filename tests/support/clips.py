"""Small clips made with PyAV, and what one finds in them."""

import dataclasses
import fractions
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nst_jax.images import encode, resize
from nst_jax.images.video import EXACT

av: Any = pytest.importorskip("av")

FRAMES, SHAPE = 12, (48, 64)


def picture(number: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """`[h, w, 3]` in [0, 1]: a bright square that moves 2 pixels a frame."""
    coarse = np.random.default_rng(0).random((4, 5, 3), np.float32)
    image = 0.2 + 0.5 * resize.resize(coarse, shape)
    left = 4 + 2 * number % 32
    image[6:18, left : left + 12] = (0.9, 0.8, 0.2)
    return image


@dataclasses.dataclass(frozen=True)
class Kind:
    """A clip to be made.

    Attributes:
      shape: height and width.
      rate: frames a second.
      times: of the frames, in milliseconds; None: evenly.
      pixels: format.
      codec: of the video.
      sound: its codec; "" for none.
      turned: degrees by which it is to be shown turned, counterclockwise.
      small_first: whether another, smaller video stream is the first.
      frames: how many.
    """

    shape: tuple[int, int] = SHAPE
    rate: fractions.Fraction = fractions.Fraction(25)
    times: Sequence[int] | None = None
    pixels: str = "yuv420p"
    codec: str = "libx264"
    sound: str = "aac"
    turned: int = 0
    small_first: bool = False
    frames: int = FRAMES


def make(path: Path, kind: Kind = Kind()) -> Path:
    """Writes a clip."""
    with av.open(str(path), "w") as container:
        streams = []
        if kind.small_first:
            streams.append((_video(container, kind, (16, 32)), (16, 32)))
        streams.append((_video(container, kind, kind.shape), kind.shape))
        if kind.turned:
            streams[-1][0].set_display_rotation(kind.turned)
        sound = container.add_stream(kind.sound, rate=48000) if kind.sound else None
        for number in range(kind.frames):
            for stream, shape in streams:
                _show(container, stream, kind, number, shape)
        for stream, _ in streams:
            container.mux(stream.encode(None))
        if sound is not None:
            _sound(container, sound, kind.frames / float(kind.rate))
    return path


def _video(container: Any, kind: Kind, shape: tuple[int, int]) -> Any:
    options = {"crf": "8", "bf": "0"} if kind.codec == "libx264" else {}
    stream = container.add_stream(kind.codec, rate=kind.rate, options=options)
    stream.height, stream.width = shape
    stream.pix_fmt = kind.pixels
    if kind.times is not None:
        stream.time_base = fractions.Fraction(1, 1000)
        stream.codec_context.time_base = fractions.Fraction(1, 1000)
    return stream


def _show(
    container: Any, stream: Any, kind: Kind, number: int, shape: tuple[int, int]
) -> None:
    pixels = encode.quantize(picture(number, shape))
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame = frame.reformat(format=kind.pixels, interpolation=EXACT)
    frame.pts = number if kind.times is None else kind.times[number]
    frame.time_base = 1 / (
        kind.rate if kind.times is None else fractions.Fraction(1000)
    )
    if kind.times is not None:
        length = [*kind.times, kind.times[-1] + 100][number + 1] - frame.pts
    for packet in stream.encode(frame):
        if kind.times is not None:
            packet.duration = length  # Without B-frames it is this frame's.
        container.mux(packet)


def _sound(container: Any, stream: Any, seconds: float) -> None:
    samples = np.sin(np.arange(round(seconds * 48000)) / 20).astype(np.float32) / 4
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 48000, 0
    resampler = av.AudioResampler(
        stream.codec_context.format, stream.codec_context.layout, 48000
    )
    for part in resampler.resample(frame):
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def _pixels(frame: Any) -> np.ndarray:
    rgb = frame.reformat(format="rgb24", interpolation=EXACT)
    return rgb.to_ndarray() / np.float32(255)


@dataclasses.dataclass(frozen=True)
class Found:
    """What is in a clip: frames, their times in seconds, packets of sound, comment."""

    images: list[np.ndarray]
    times: list[float]
    rate: fractions.Fraction
    seconds: float
    sound: list[bytes]
    pixels: str
    comment: str


def look(path: Path) -> Found:
    """Reads a clip without anything of ours."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        images, times, sound = [], [], []
        for packet in container.demux():
            if packet.stream.type == "audio":
                sound += [bytes(packet)] if packet.size else []
                continue
            for frame in packet.decode():
                images.append(_pixels(frame))
                times.append(float(frame.time))
        return Found(
            images,
            times,
            stream.average_rate,
            float(stream.duration * stream.time_base) if stream.duration else 0.0,
            sound,
            stream.codec_context.pix_fmt,
            container.metadata.get("comment", ""),
        )
