"""MatConvNet's `.mat` files of linear networks, such as imagenet-vgg-verydeep-19.

MATLAB's own format, version 5, read by SciPy. `layers` is a cell array of structs with
`name`, `type` and, since the format of 2015, `weights` (a cell of filters and biases),
before that `filters` and `biases`. The image subtracted from the input stands in
`normalization.averageImage`, since 2015 in `meta.normalization.averageImage`.
Filters are `[height, width, inputs, outputs]`: MatConvNet's import-caffe.py has brought
Caffe's there, and turned the first to R, G, B. (Printed values of the published VGG-19
file say the same: they are those of Keras's, unswapped and untransposed.)
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_expansion

_VARIABLES = ("layers", "normalization", "meta", "net", "params")
_MAX_LAYERS = 10_000
_HEADER = 128


def matches(path: Path) -> bool:
    """Whether the file starts like a MAT-file of version 5 or later."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    return head.startswith(b"MATLAB ") or head[124:] in (b"\0\1IM", b"\1\0MI")


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads filters and biases of every layer that has some.

    Args:
      path: a MAT-file of a MatConvNet "SimpleNN" network.

    Returns:
      `{"conv1_1/filters": array, "conv1_1/biases": ...}`, filters `[height, width,
      inputs, outputs]`, biases `[outputs]`, and `averageImage`, `[3]`: the mean of that
      image over its positions, R, G, B in 0..255, where the file has one.

    Raises:
      WeightsError: the file is truncated or damaged, of MATLAB's version 7.3, or holds
        no such network.
    """
    with path.open("rb") as file:
        if file.read(_HEADER).startswith(b"MATLAB 7.3"):
            raise WeightsError(
                f"{path}: a MAT-file of version 7.3; save it again in MATLAB with -v7"
            )
    try:
        return _network(path, _contents(path))
    except WeightsError as error:
        if str(error).startswith(str(path)):
            raise
        raise WeightsError(f"{path}: {error}") from error
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # damaged, SciPy raises nearly anything
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise WeightsError(
            f"{path}: truncated or damaged MAT-file ({reason}); get it again"
        ) from error


def _contents(path: Path) -> dict[str, Any]:
    import warnings

    import scipy.io

    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage, which shows by itself
        contents = scipy.io.loadmat(file, variable_names=_VARIABLES)
    net = contents.get("net")
    if isinstance(net, np.ndarray) and net.dtype.names and net.size == 1:
        # `save('x.mat', 'net')`, as scripts do
        contents = {name: net.flat[0][name] for name in net.dtype.names}
    if "params" in contents:
        raise WeightsError("a DagNN of MatConvNet; only its SimpleNN files are known")
    return contents


def _network(path: Path, contents: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    layers = contents.get("layers")
    if not isinstance(layers, np.ndarray) or layers.dtype != object:
        raise WeightsError("a MAT-file without MatConvNet's cell array `layers`")
    if layers.size > _MAX_LAYERS:
        raise WeightsError(f"has {layers.size} layers; damaged or hostile")
    for layer in layers.flat:
        for key, array in _layer(layer):
            if key in arrays:
                raise WeightsError(f"has two layers of the name {key!r:.80}")
            arrays[key] = array
    if not arrays:
        raise WeightsError("a MatConvNet network without weights")
    check_expansion(path, sum(array.nbytes for array in arrays.values()))
    if (mean := _average_image(contents)) is not None:
        arrays["averageImage"] = mean
    return arrays


def _layer(layer: Any) -> Iterator[tuple[str, np.ndarray]]:
    """`(key, array)` of one layer's filters and biases."""
    name = _text(_field(layer, "name"))
    weights = _field(layer, "weights")
    if weights is None:
        weights = (_field(layer, "filters"), _field(layer, "biases"))
    elif not isinstance(weights, np.ndarray) or weights.dtype != object:
        return
    else:
        weights = tuple(weights.flat)
    if len(weights) != 2 or not all(_is_numeric(value) for value in weights):
        return  # pooling, ReLU; or a batch norm's three
    filters, biases = weights
    # MATLAB drops the axes of length 1 at the end of a shape.
    yield f"{name}/filters", filters.reshape(filters.shape + (1,) * (4 - filters.ndim))
    yield f"{name}/biases", biases.reshape(-1)


def _average_image(contents: dict[str, Any]) -> np.ndarray | None:
    normalization = contents.get("normalization")
    if normalization is None:
        normalization = _field(contents.get("meta"), "normalization")
    image = _field(normalization, "averageImage")
    if not _is_numeric(image) or image.size < 3:
        return None
    if image.size == 3:
        return image.reshape(3).astype(np.float64)
    if image.ndim != 3 or image.shape[2] != 3:
        return None
    return image.mean((0, 1), dtype=np.float64)


def _field(struct: Any, name: str) -> Any:
    """A field of a MATLAB struct, None where it has none."""
    if not isinstance(struct, np.ndarray) or struct.size != 1:
        return None
    if not struct.dtype.names or name not in struct.dtype.names:
        return None
    return struct.flat[0][name]


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "U":
        return str(value.flat[0])
    raise WeightsError("has a layer without a name")


def _is_numeric(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.size > 0
    )
