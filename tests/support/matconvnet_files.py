"""`.mat` files of MatConvNet networks, written by SciPy as its importer writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

# R, G, B of the original VGG.
MEAN = (123.68, 116.779, 103.939)


def write(
    path: Path,
    layers: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    form: str = "2015",
    mean: tuple[float, ...] | None = MEAN,
    compressed: bool = True,
    whole: bool = False,
) -> Path:
    """Filters `[h, w, in, out]` and biases `[out]` of each layer, a ReLU behind it.

    `form` "2014" has `filters` and `biases`, "beta16" `weights` in another order of
    the fields, "2015" `meta`; `whole` saves one variable `net`.
    """
    structs: list[dict[str, Any]] = []
    for name, (filters, biases) in layers.items():
        structs.append(_layer(form, name, filters, biases))
        structs.append({"name": name.replace("conv", "relu"), "type": "relu"})
    cells = np.empty((1, len(structs)), object)
    cells[0, :] = structs
    content: dict[str, Any] = {"layers": cells}
    normalization = {"imageSize": np.array([[224.0, 224.0, 3.0]])}
    if mean is not None:
        image = np.array(mean, np.float32).reshape(1, 1, 3)
        if form != "2015":
            image = np.broadcast_to(image, (4, 4, 3))
        normalization["averageImage"] = image
    if form == "2015":
        content["meta"] = {"normalization": normalization, "inputs": "data"}
    else:
        content["normalization"] = normalization
    if whole:
        content = {"net": content}
    scipy.io.savemat(path, content, do_compression=compressed, oned_as="row")
    return path


def _layer(
    form: str, name: str, filters: np.ndarray, biases: np.ndarray
) -> dict[str, Any]:
    filters = filters.astype(np.float32)
    biases = biases.astype(np.float32)
    if form == "2014":
        return {
            "filters": filters,
            "biases": biases.reshape(1, -1),
            "pad": np.ones((1, 4)),
            "type": "conv",
            "name": name,
        }
    weights = np.empty((1, 2), object)
    weights[0, 0] = filters
    weights[0, 1] = biases.reshape((1, -1) if form == "beta16" else (-1, 1))
    if form == "beta16":
        rest = {"weights": weights, "pad": np.ones((1, 4)), "type": "conv"}
        return {**rest, "name": name, "stride": np.ones((1, 2))}
    return {
        "name": name,
        "type": "conv",
        "weights": weights,
        "size": np.array([filters.shape], float),
        "pad": np.ones((1, 4)),
        "stride": np.ones((1, 2)),
        "precious": 0,
        "opts": np.empty((0, 0), object),
    }
