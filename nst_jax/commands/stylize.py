"""`nst-jax stylize`: one photo, one or more paintings, one picture."""

import argparse
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from nst_jax.commands import flags
from nst_jax.images import files
from nst_jax.options import OptionsError

_DESCRIPTION = """\
Repaints PHOTO in the style of PAINTING. Several paintings blend into one style.

Stop with Ctrl-C whenever the picture pleases: the best one so far is saved, and the
same command with --resume goes on from there.
"""


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "stylize",
        help="repaint a photo in the style of one or more paintings",
        description=_DESCRIPTION,
    )
    parser.add_argument("photo", metavar="PHOTO", help="picture that gives the content")
    parser.add_argument(
        "paintings", metavar="PAINTING", nargs="+", help="picture that gives the style"
    )
    run = parser.add_argument_group("this run")
    run.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="PNG, JPEG, WebP or TIFF by its ending. Default: <photo>_<painting>.png.",
    )
    run.add_argument(
        "--print_every",
        type=_count,
        default=0,
        metavar="N",
        help="Print the losses at every Nth iteration.",
    )
    run.add_argument(
        "--snapshot_every",
        type=_count,
        default=0,
        metavar="N",
        help="Save the best picture so far at every Nth iteration: OUT_000050.png.",
    )
    run.add_argument(
        "--trace",
        type=Path,
        metavar="FILE.jsonl",
        help="Write iteration, losses by term, seconds and speed, a line for each "
        "chunk of iterations.",
    )
    run.add_argument(
        "--resume",
        action="store_true",
        help="Go on from where this command was stopped.",
    )
    run.add_argument(
        "--offline", action="store_true", help="Never fetch weights; use stored ones."
    )
    run.add_argument(
        "--compilation_cache_dir",
        metavar="DIR",
        help="Where compiled programs are kept; 'off' keeps none. "
        "Default: ~/.cache/nst_jax/xla.",
    )
    flags.add_options(parser)
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    began = time.perf_counter()
    options = flags.options(arguments)
    output = arguments.output or _default_output(arguments)
    _check_outputs(arguments, output)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax import verbs
    from nst_jax.commands import device, display

    verbs.check(options, len(arguments.paintings))
    device.keep_compiled_programs(arguments.compilation_cache_dir)
    screen = display.Display(
        options,
        output,
        print_every=arguments.print_every,
        snapshot_every=arguments.snapshot_every,
        trace=arguments.trace,
        resumed=arguments.resume,
    )
    with screen, _StopRequest(screen.say) as stop:
        device.report_missing_accelerator(screen.say)

        def on_progress(progress: verbs.engine.Progress) -> bool:
            stop.defer()
            screen.show(progress)
            return stop.signal is not None

        result = verbs.stylize(
            arguments.photo,
            arguments.paintings,
            options,
            offline=arguments.offline,
            on_progress=on_progress,
            every=(arguments.print_every, arguments.snapshot_every),
            state_file=_state_path(output),
            resume=arguments.resume,
            report=screen.say,
        )
        result.save(output)
    height, width, _ = result.image.shape
    total = time.perf_counter() - began
    print(
        f"{output}: {width}x{height}, loss {result.loss:.6g} after {result.iterations} "
        f"iterations; {total:.1f} s (compiling {result.compile_seconds:.1f}, "
        f"optimising {result.seconds:.1f})"
    )
    if stop.signal is not None and result.iterations < options.steps:
        if _state_path(output).exists():
            print("stopped early; the same command with --resume goes on from here")
        return 128 + stop.signal
    return 0


def _check_outputs(arguments: argparse.Namespace, output: Path) -> None:
    """Finds what would fail after the long work, before it."""
    files.check_writable(output)
    if arguments.trace and not arguments.trace.absolute().parent.is_dir():
        raise OptionsError(f"trace={arguments.trace}: the folder doesn't exist")


class _StopRequest:
    """Ctrl-C and termination: at once before the optimisation, then after the chunk.

    Attributes:
      signal: the number of the signal that asked to stop, or None.
    """

    def __init__(self, say: Callable[[str], None]):
        self.signal: int | None = None
        self._say = say
        self._deferred = False
        self._before: dict[int, Any] = {}

    def defer(self) -> None:
        """From now on there is something to save: finish the chunk first."""
        self._deferred = True

    def __enter__(self) -> "_StopRequest":
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.signal == number == signal.SIGINT
        if again or not self._deferred:
            raise KeyboardInterrupt
        if self.signal is None:
            self.signal = number
            self._say("nst-jax: stopping; Ctrl-C once more gives up without saving")


def _default_output(arguments: argparse.Namespace) -> Path:
    names = (Path(path).stem for path in (arguments.photo, *arguments.paintings))
    return Path("_".join(names) + ".png")


def _state_path(output: Path) -> Path:
    return output.with_name(output.name + ".state")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 0 or more")
    return int(text)
