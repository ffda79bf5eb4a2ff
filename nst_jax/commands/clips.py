"""`nst-jax apply` on clips and streams: frames in, painted frames out."""

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_jax.commands import executor, painting, remote
from nst_jax.errors import NstError, OptionsError
from nst_jax.feedforward.jobs import style_label
from nst_jax.feedforward.options import Options, changed
from nst_jax.images import frame_stream, outputs, resize, video
from nst_jax.images.video import Frame, Reader
from nst_jax.images.video_output import Writer
from nst_jax.transfer.stop import StopRequest
from nst_jax.version import __version__

if TYPE_CHECKING:
    from nst_jax.feedforward.apply import Painter
    from nst_jax.feedforward.prepared import Look
    from nst_jax.feedforward.stream import Overlapped

_OF_PICTURES = ("bits", "transparency")  # Options that frames have no use for.
_MOST = 64  # Frames side by side, where they help.


def paint_clip(arguments: argparse.Namespace, options: Options) -> int:
    """Paints a video; returns the exit status."""
    began = time.perf_counter()
    source = Path(arguments.photos[0])
    label = Path(style_label(options)).stem
    output = Path(arguments.output or f"{source.stem}_{label}.mp4")
    video.check_writable(output)
    _say_idle(options)
    masks = {name: one.key for name, one in painting.masks(arguments).items()}
    outputs.check_apart([output], [source, *masks.values()])
    written = outputs.Output(output, video.is_ours, chosen=bool(arguments.output))
    if replaced := outputs.replaced([written], arguments.overwrite):
        painting.say(outputs.told(replaced))
    with Reader(source) as reader, StopRequest(painting.say) as request:
        painter = painting.load(arguments, options)
        about = {"nst_jax": __version__, **changed(options), **masks}
        made = _painted(reader, output, painter, request, arguments, json.dumps(about))
        print(
            f"{output}: {made}; {painting.times(painter, made.frames, _since(began))}"
        )
    if reader.damage:
        painting.say(f"nst-jax: {reader.damage}")
    if request.signal is not None and made.frames < reader.count:
        print("stopped early; the clip ends there")
        return 128 + request.signal
    return 1 if reader.damage else 0


def _say_idle(options: Options) -> None:
    """Says which options change nothing of frames, which have 8 bits and no alpha."""
    for name in _OF_PICTURES:
        if name in changed(options):
            painting.say(f"nst-jax: --{name} has no effect on frames of a video")


class _Made:
    """What was made of a clip, in words."""

    def __init__(self, shape: tuple[int, int]):
        self.frames, self.shape = 0, shape

    def __str__(self) -> str:
        height, width = self.shape
        return f"{self.frames} frames of {width}x{height}"


def _painted(
    reader: Reader,
    output: Path,
    painter: "Painter",
    request: StopRequest,
    arguments: argparse.Namespace,
    about: str,
) -> _Made:
    from nst_jax.commands.screen import Screen

    look = painting.look(painter, painter.options.style)
    frames = reader.frames()
    first = next(frames)
    prepared = painter.prepare(first.image, look)
    painter.keep_style(prepared)
    made = _Made(prepared.photo.shape[:2])
    every = _timed(_all(first, frames), painter)
    with (
        Screen(reader.count or None, unit=" frames") as screen,
        Writer(output, reader, made.shape, description=about) as writer,
        contextlib.closing(
            remote.paint_clip(
                arguments, every, painter, look, request, writer.bits, screen.say
            )
            if executor.is_remote(arguments)
            else _overlapped(painter, look).of(every)
        ) as painted,
    ):
        if writer.padded:
            screen.say(
                "nst-jax: an odd side is made even, as video has it: its last row or "
                "column is repeated"
            )
        if line := resize.enlarged([("the video", reader.shape, made.shape)]):
            screen.say(f"nst-jax: {line}")
        for frame, image in painted:
            request.defer()
            if isinstance(image, NstError):
                raise image
            with painter.spent.on("write"):
                writer.write(frame, image)
            made.frames += 1
            screen.advance()
            if request.signal is not None:
                break
        if request.signal is not None:
            writer.stop()
    return made


def _overlapped(painter: "Painter", look: "Look") -> "Overlapped[Frame, np.ndarray]":
    from nst_jax.feedforward.stream import Overlapped

    return Overlapped(
        painter,
        lambda frame: (frame.image, look),
        lambda frame, image, seconds: image,
        most=lambda frame: _MOST,
    )


def _all(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _timed(frames: Iterator[Any], painter: "Painter") -> Iterator[Any]:
    while True:
        with painter.spent.on("read"):
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def paint_stream(arguments: argparse.Namespace, options: Options) -> int:
    """Paints frames of standard input onto standard output; returns the status."""
    from nst_jax.commands.screen import Screen

    if arguments.output not in (None, "-"):
        raise OptionsError(
            f"output={arguments.output}: a stream goes to standard output, -o -"
        )
    _say_idle(options)
    shape = frame_stream.size(arguments.stream) if arguments.stream else None
    began, count = time.perf_counter(), 0
    # Without a buffer, on which a thread that waits for input would keep a lock.
    source = io.FileIO(sys.stdin.fileno(), closefd=False)
    target: Any = sys.stdout.buffer
    with StopRequest(painting.say) as request:
        painter = painting.load(arguments, options)
        look = painting.look(painter, options.style)
        frames = (
            frame_stream.read_raw(source, shape)
            if shape
            else frame_stream.read_png(source)
        )
        images = (Frame(image, n, 1) for n, image in enumerate(frames))
        overlapped = _overlapped(painter, look)
        overlapped.most = lambda frame: 1  # None waits for others.
        painted = overlapped.of(_timed(images, painter))
        with Screen(None, unit=" frames") as screen, contextlib.closing(painted):
            for _, image in painted:
                request.defer()
                if isinstance(image, NstError):
                    raise image
                with painter.spent.on("write"):
                    frame_stream.write(target, image, raw=shape is not None)
                count += 1
                screen.advance()
                if request.signal is not None:
                    break
    painting.say(f"{count} frames; {painting.times(painter, count, _since(began))}")
    return 0 if request.signal is None else 128 + request.signal


def _since(began: float) -> float:
    return time.perf_counter() - began
