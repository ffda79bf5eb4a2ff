"""`nst-jax export`: a style network as a file for other programs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nst_jax.commands import flags
from nst_jax.errors import ImageError
from nst_jax.images import outputs
from nst_jax.images.outputs import Output
from weights_convert.stylizers import files as stylizers

_DESCRIPTION = """\
Writes a style network as a file that runs without this project: ONNX of opset 13, for
onnxruntime and others, or StableHLO, for JAX alone, on CPUs, CUDA and TPUs. Both take
any number of pictures of any size; of a network of several styles, or of any style, the
style is a second input.
"""

_FORMATS = ("stablehlo", "onnx")


def add_parser(commands: Any) -> None:
    """Adds this command to the program's parser."""
    parser = commands.add_parser(
        "export",
        help="write a style network for programs without nst-jax",
        description=_DESCRIPTION,
    )
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME|FILE",
        help="The style network: a name, as `nst-weights list` shows them, or a file.",
    )
    parser.add_argument(
        "--format", required=True, choices=_FORMATS, help="What to write."
    )
    parser.add_argument(
        "-o",
        "--output",
        type=flags.path,
        required=True,
        metavar="FILE",
        help="The file.",
    )
    flags.add_config(parser)
    flags.add_overwrite(parser)
    parser.add_argument(
        "--offline", action="store_true", help="Never fetch weights; use stored ones."
    )
    parser.set_defaults(run=run_command)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    output: Path = arguments.output
    outputs.check_place(output)
    written = [Output(output, lambda _: False, chosen=True)]
    replaced = outputs.replaced(written, arguments.overwrite)

    # JAX is imported from here on: a mistyped command is answered at once.
    from nst_jax.feedforward import export, load

    model = load.find(arguments.model, offline=arguments.offline, report=_say)
    outputs.check_apart([output], [model])
    stored, metadata = stylizers.load(model)
    content = export.export(stored, metadata, arguments.format)
    if replaced:
        _say(outputs.told(replaced))
    try:
        outputs.write_whole(output, content)
    except OSError as error:
        raise ImageError(
            f"{output}: could not be written ({error.strerror})"
        ) from error
    size = f"{len(content) / 1e6:.1f} MB"
    print(f"{output}: {size}; {export.asks(stored, arguments.format)}")
    if licence := metadata.get("licence"):
        print(f"licence of the weights: {licence}")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)
