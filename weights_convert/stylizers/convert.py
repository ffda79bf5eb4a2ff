"""Style networks of other systems, from their files into our own form."""

import functools
from collections.abc import Sequence
from pathlib import Path

from weights_convert.errors import NetworkError, WeightsError
from weights_convert.formats import detect, onnx_graph
from weights_convert.formats.onnx_graph import Graph
from weights_convert.isolated import read_file
from weights_convert.stylizers import (
    adain,
    files,
    lengstrom,
    magenta,
    microast,
    onnx_transformer,
    pytorch_examples,
)
from weights_convert.stylizers.stylizer import Arrays, Stylizer, checked

_BY_ARRAYS = (pytorch_examples, lengstrom, adain, microast)
"""Those whose files are arrays by name. Each has `matches` and `convert`, of the arrays
of all files by their paths, and a `DESCRIPTION`."""

_BY_GRAPHS = (onnx_transformer, magenta)
"""Those whose files are graphs; likewise."""

_UNKNOWN = {
    "running_mean": "batch normalisation",
    "ConvBlock.": "layers of rrmina's networks (bottlenecks, transposed convolutions)",
    "qkv": "attention",
}
"""Parts that names of arrays give away, in networks that can't be converted."""


def read(paths: Sequence[Path]) -> Stylizer:
    """The style network that files hold together.

    Args:
      paths: a file or a folder; or all files of a network that is kept in several, in
        any order.

    Raises:
      NetworkError: none that is known here; says which are known.
      WeightsError: damaged, or one that can't be converted exactly.
    """
    named = ", ".join(map(str, paths))
    if len({path.absolute() for path in paths}) < len(paths):
        raise WeightsError(f"{named}: the same file twice")
    found: dict[str, Arrays | Graph] = {str(path): _read(path) for path in paths}
    graphs = {k: one for k, one in found.items() if isinstance(one, Graph)}
    arrays = {k: one for k, one in found.items() if not isinstance(one, Graph)}
    for given, readers in ((graphs, _BY_GRAPHS), (arrays, _BY_ARRAYS)):
        for reader in readers:
            if len(given) == len(paths) and reader.matches(given):
                return _named(named, functools.partial(reader.convert, given))
    known = ", ".join(one.DESCRIPTION for one in (*_BY_ARRAYS, *_BY_GRAPHS))
    why = "they don't make one style network together"
    if len(paths) == 1:
        why = f"no style network known here{_parts(next(iter(arrays.values()), {}))}"
    raise NetworkError(f"{named}: {why}; known are those of {known}")


def _named(named: str, convert: functools.partial[Stylizer]) -> Stylizer:
    try:
        return checked(convert())
    except WeightsError as error:
        raise WeightsError(f"{named}: {error}") from error


def _parts(arrays: Arrays) -> str:
    """What of a network makes it one that isn't known."""
    for ending, reason in _UNKNOWN.items():
        if found := [key for key in arrays if ending in key]:
            return f": it has {reason}, {found[0]!r:.60}"
    shown = ", ".join(f"{key!r:.40}" for key in list(arrays)[:3])
    return f": it begins with {shown}" if shown else ""


def _read(path: Path) -> Arrays | Graph:
    if path.is_dir():
        return lengstrom.read_folder(path)
    kind = detect(path).name
    if kind == "onnx":
        return onnx_graph.read_graph(path)
    if kind == "safetensors" and files.matches(path):
        raise WeightsError(f"{path}: is converted already; give it as the --model")
    return read_file(path)[1]
