"""Style networks of other systems, from their files into our own form."""

import functools
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats import limits, onnx_graph
from weights_convert.formats.onnx_graph import Graph
from weights_convert.isolated import read_file
from weights_convert.stylizers import (
    lengstrom,
    magenta,
    onnx_transformer,
    pytorch_examples,
)
from weights_convert.stylizers.stylizer import Stylizer, checked

_BY_ARRAYS = (pytorch_examples, lengstrom)
"""Those whose files are arrays by name: `matches` and `convert` of these."""


def read(paths: Sequence[Path]) -> Stylizer:
    """The style network that files hold together.

    Args:
      paths: a file or a folder; or the two of a network of any style.

    Raises:
      WeightsError: none that is known here, or damaged; says which are known.
    """
    graphs = [onnx_graph.read_graph(path) for path in paths if _is_onnx(path)]
    if graphs and len(graphs) == len(paths):
        return _named(paths, functools.partial(_of_graphs, graphs))
    if len(paths) != 1:
        names = ", ".join(map(str, paths))
        raise WeightsError(f"{names}: don't make one style network together")
    arrays = _arrays(paths[0])
    for reader in _BY_ARRAYS:
        if reader.matches(arrays):
            return _named(paths, functools.partial(reader.convert, arrays))
    raise WeightsError(
        f"{paths[0]}: no style network known here; known are those of pytorch/examples"
        " (.pth, .model, .onnx), lengstrom's variables (a folder, .npz), conditional"
        " ones (.onnx), and Magenta's pair (two .onnx)"
    )


def is_known(path: Path) -> bool:
    """Whether a file or a folder is of a kind that only style networks have."""
    if path.is_dir():
        return lengstrom.is_folder(path)
    return path.is_file() and (_is_onnx(path) or _is_npz(path))


def _named(paths: Sequence[Path], convert: functools.partial[Stylizer]) -> Stylizer:
    try:
        return checked(convert())
    except WeightsError as error:
        raise WeightsError(f"{', '.join(map(str, paths))}: {error}") from error


def _of_graphs(graphs: Sequence[Graph]) -> Stylizer:
    predicting = [graph for graph in graphs if magenta.predicts(graph)]
    painting = [graph for graph in graphs if magenta.paints(graph)]
    if len(predicting) == len(painting) == 1 and len(graphs) == 2:
        return magenta.convert(predicting[0], painting[0])
    if predicting or painting:
        raise WeightsError(
            "one of Magenta's two files: give both, that which predicts the style and"
            " that which paints"
        )
    if len(graphs) != 1:
        raise WeightsError("several networks: convert one at a time")
    return onnx_transformer.convert(graphs[0])


def _arrays(path: Path) -> Mapping[str, np.ndarray]:
    if path.is_dir():
        if not lengstrom.is_folder(path):
            raise WeightsError(f"{path}: a folder without a manifest.json of variables")
        return lengstrom.read_folder(path)
    if _is_npz(path):
        return _npz(path)
    return read_file(path)[1]


def _is_onnx(path: Path) -> bool:
    return path.is_file() and onnx_graph.matches(path)


def _is_npz(path: Path) -> bool:
    if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return all(name.endswith(".npy") for name in archive.namelist())


def _npz(path: Path) -> Mapping[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            limits.check_archive(path, archive)
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"{path}: damaged ({error}); get it again") from error
