"""`nst-jax apply`: photos, clips and streams painted by a style network in one pass."""

import argparse
import dataclasses
import glob
from pathlib import Path
from typing import Any

from nst_jax import streams
from nst_jax.commands import clips, executor, flags
from nst_jax.commands.painting import Pictures
from nst_jax.errors import OptionsError
from nst_jax.feedforward.jobs import paintings_of
from nst_jax.feedforward.options import Options, model_of
from nst_jax.images import files, video

_MASKS = {
    "mask": "A grey mask of the picture: white is painted, black stays the photo.",
    "keep_mask": "The other way round: white is kept, black is painted.",
    "color_mask": "A grey mask of the picture: white gets the painting's colours, "
    "black keeps the photo's.",
}

_DESCRIPTION = """\
Paints PHOTO by a trained style network, in one pass: milliseconds on a GPU. PHOTO may
be a picture, several, a folder, a pattern, a video, or - for frames that come on
standard input. Several pictures, or styles, go into a folder, with a gallery, a contact
sheet and a manifest; the same command again makes only what is missing or changed.

A video keeps its sound, its frame rate and its time stamps.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "apply",
        help="paint photos or a video by a trained network, in one pass",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "photos",
        metavar="PHOTO",
        nargs="*",
        type=files.expanded,
        help="pictures, folders or patterns; one video; or - for a stream",
    )
    parser.add_argument(
        "--list", action="store_true", help="Show the style networks, and their styles."
    )
    run = parser.add_argument_group("this run")
    run.add_argument(
        "-o",
        "--output",
        type=flags.name,
        metavar="OUT",
        help="PNG, JPEG, WebP or TIFF by its ending; of a video MP4, MOV, MKV or WebM; "
        "a folder for several pictures; - for standard output. Default of one picture: "
        "<photo>_<style>.png.",
    )
    run.add_argument(
        "--tile",
        type=flags.positive_count,
        metavar="PIXELS",
        help="Paint larger pictures in tiles of this size, which need less memory and "
        "give the same picture (default: where the memory is too small for it whole).",
    )
    run.add_argument(
        "--smooth",
        type=flags.positive_count,
        nargs="?",
        const=8,
        default=1,
        metavar="FRAMES",
        help="Steady a video: average over so many frames what flickers. --smooth "
        "alone means 8.",
    )
    run.add_argument(
        "--stream",
        metavar="WIDTHxHEIGHT",
        help="Frames on standard input and output are raw, 3 bytes a pixel (RGB), of "
        "this size (default: PNG files one after the other).",
    )
    for name, text in _MASKS.items():
        run.add_argument(f"--{name}", type=flags.name, metavar="FILE", help=text)
    flags.add_overwrite(run)
    flags.add_config(run)
    flags.add_machine(run)
    flags.add_executor(run)
    group = parser.add_argument_group("options")
    flags.add_fields(group, Options)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    if arguments.list:
        return _list(arguments)
    options = flags.changed(arguments, Options())
    if not hasattr(arguments, "model"):
        options = dataclasses.replace(options, model=model_of(options.style))
        _check_painting(options)
    executor.check(arguments)
    if not arguments.photos:
        raise OptionsError("name a photo, a folder, a video, or - for a stream")
    if arguments.photos == ["-"]:
        _check_local(arguments, "a stream is painted frame by frame as it comes")
        return clips.paint_stream(arguments, options)
    if "-" in arguments.photos:
        raise OptionsError("- is a stream by itself: give it alone")
    if len(arguments.photos) == 1 and _is_clip(arguments):
        if arguments.smooth > 1:
            _check_local(arguments, "frames depend on those before with --smooth")
        with streams.unfailing(), executor.connected(arguments):
            return clips.paint_clip(arguments, options)
    if arguments.stream is not None:
        raise OptionsError("--stream is of standard input: give - for the photo")
    with streams.unfailing():
        pictures = Pictures(arguments, options)
        if not pictures.folder:
            _check_local(arguments, "one picture is painted here")
        with executor.connected(arguments):
            return pictures.run()


def _check_local(arguments: argparse.Namespace, why: str) -> None:
    """Raises `OptionsError` if other machines are to do what they can't."""
    if executor.is_remote(arguments):
        raise OptionsError(f"executor={arguments.executor}: {why}; leave it out")


def _check_painting(options: Options) -> None:
    """Says that a style names no painting, before a network for any is fetched."""
    style = options.style or ""
    if options.model == "arbitrary" and not glob.has_magic(style):
        paintings_of(style)


def _is_clip(arguments: argparse.Namespace) -> bool:
    ending = Path(arguments.output or "").suffix.lower()
    return video.is_clip(arguments.photos[0]) or ending in video.FORMATS


def _list(arguments: argparse.Namespace) -> int:
    from nst_jax.feedforward.load import known, styles

    for name, origin in known().items():
        print(f"{name:<16} {origin}")
        if of := styles(name):
            print(f"{'':<16} --style={of}")
    return 0
