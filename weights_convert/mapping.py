"""From a source file's keys, axes and channel order to the project's own.

Ours: `conv1_1/kernel` float32 `[height, width, inputs, outputs]` and `conv1_1/bias`
float32 `[outputs]`, the first kernel taking R, G, B. `LAYOUTS` says for each naming
that files use which key becomes which; everything that does not fit is collected and
raised once.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from nst_jax.networks.tables import CAFFE, NetworkTable
from weights_convert.errors import WeightsError

Channels = Literal["rgb", "bgr"]

# Our key -> the source keys it may come from, in order of preference.
Keys = dict[str, tuple[str, ...]]


def _keras(table: NetworkTable) -> Keys:
    keys: Keys = {}
    for index, layer in enumerate(table.convolutions):
        block, number = layer.name.removeprefix("conv").split("_")
        name = f"block{block}_conv{number}"
        class_name = "conv2d" if index == 0 else f"conv2d_{index}"
        for part, letter, variable in (("kernel", "W", 0), ("bias", "b", 1)):
            keys[f"{layer.name}/{part}"] = (
                f"{name}/{name}_{letter}_1:0",
                f"{name}/{name}/{part}:0",
                f"{name}/{name}/{part}",
                f"{name}/{part}:0",
                f"{name}/{part}",
                f"layers/{class_name}/vars/{variable}",
            )
    return keys


def _palette(table: NetworkTable) -> Keys:
    keys: Keys = {}
    for layer in table.convolutions:
        block, number = layer.name.removeprefix("conv").split("_")
        keys[f"{layer.name}/kernel"] = (f"block{block}_conv{number}_W",)
        keys[f"{layer.name}/bias"] = (f"block{block}_conv{number}_b",)
    return keys


def _torchvision_vgg(table: NetworkTable) -> Keys:
    """`features.N`: two modules a convolution (with its ReLU), one pooling a block."""
    keys: Keys = {}
    position, previous = 0, ""
    for layer in table.convolutions:
        block = layer.name.split("_")[0]
        position += previous not in ("", block)
        keys[f"{layer.name}/kernel"] = (f"features.{position}.weight",)
        keys[f"{layer.name}/bias"] = (f"features.{position}.bias",)
        position, previous = position + 2, block
    return keys


def _stored(table: NetworkTable) -> Keys:
    return {key: (key,) for key in table.shapes}


@dataclasses.dataclass(frozen=True)
class Layout:
    """A naming that files use for the networks of one family.

    `family` None is every family. `formats` are the file formats it occurs in; `axes`
    brings a kernel to HWIO; `channels` is the order that its first kernel takes, None
    where it is ours already, whatever the network's preprocessing. Every key that
    starts with one of `claims` must be a layer of the network: VGG-19's file under
    Keras's names holds all of VGG-16's.
    """

    name: str
    family: str | None
    formats: tuple[str, ...]
    keys: Callable[[NetworkTable], Keys]
    axes: tuple[int, int, int, int]
    channels: Channels | None
    claims: tuple[str, ...]


_HWIO = (0, 1, 2, 3)
_OIHW = (2, 3, 1, 0)

# Keras converted Caffe's weights and kept their BGR; the palette was made from Keras's.
LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "keras",
        "vgg",
        ("keras",),
        _keras,
        _HWIO,
        "bgr",
        claims=("block", "layers/conv2d"),
    ),
    Layout("palette", "vgg", ("palette",), _palette, _OIHW, "bgr", claims=("block",)),
    Layout(
        "torchvision",
        "vgg",
        ("pytorch", "safetensors"),
        _torchvision_vgg,
        _OIHW,
        "rgb",
        claims=("features.",),
    ),
    Layout("stored", None, ("safetensors",), _stored, _HWIO, None, claims=("",)),
)


def choose_layout(
    arrays: Mapping[str, np.ndarray], format_name: str, table: NetworkTable
) -> Layout:
    """The layout of this format and family that finds most of its keys in `arrays`.

    Raises:
      WeightsError: no layout of the format fits the network's family.
    """
    candidates = [
        layout
        for layout in LAYOUTS
        if format_name in layout.formats and layout.family in (None, table.family)
    ]
    if not candidates:
        raise WeightsError(
            f"no {table.family} network is known in format {format_name!r};"
            " see weights_convert.mapping.LAYOUTS"
        )

    def found(layout: Layout) -> int:
        return sum(
            any(key in arrays for key in keys) for keys in layout.keys(table).values()
        )

    return max(candidates, key=found)


def map_arrays(
    arrays: Mapping[str, np.ndarray],
    layout: Layout,
    table: NetworkTable,
    *,
    origin: str | Path = "the file",
    channels: Channels | None = None,
) -> dict[str, np.ndarray]:
    """Brings a file's arrays to the names, axes and channel order of the store.

    Keys that the table does not ask for (the classifier) are ignored.

    Args:
      arrays: what a reader returned.
      layout: what its keys mean.
      table: the network, with the shapes to check against.
      origin: names the file in errors.
      channels: order that the first kernel takes, where it is not the layout's own
        (a port of Caffe's weights under torchvision's names takes "bgr").

    Returns:
      `{key: float32 array}` for every key of `table.shapes`, C-contiguous.

    Raises:
      WeightsError: layers are missing, misshapen, of another type or not finite (all
        named at once), or the layout's kernels belong to another preprocessing.
    """
    if channels is None:
        channels = layout.channels
        _check_preprocessing(layout, table, origin)
    mapped: dict[str, np.ndarray] = {}
    errors: list[str] = []
    sources = layout.keys(table)
    used = set()
    for target, shape in table.shapes.items():
        key = next((key for key in sources[target] if key in arrays), None)
        if key is None:
            errors.append(f"{target}: {sources[target][0]!r} is missing")
            continue
        used.add(key)
        axes = layout.axes if target.endswith("/kernel") else (0,)
        try:
            mapped[target] = _bring(arrays[key], axes, shape)
        except ValueError as error:
            errors.append(f"{target}: {key!r} {error}")
    if not used:
        errors = [*errors[:2], f"and so on; it has {_some(arrays)}"]
    else:
        errors += [
            f"{key!r} is no layer of it"
            for key in arrays
            if key not in used and key.startswith(layout.claims)
        ]
    if errors:
        raise WeightsError(
            f"{origin}: does not fit network {table.name!r}: " + "; ".join(errors)
        )
    if channels == "bgr":
        first = f"{table.convolutions[0].name}/kernel"
        mapped[first] = np.ascontiguousarray(mapped[first][:, :, ::-1, :])
    return mapped


def _check_preprocessing(
    layout: Layout, table: NetworkTable, origin: str | Path
) -> None:
    """Caffe's weights on torchvision's input would run, and be wrong."""
    wanted = "bgr" if table.preprocessing == CAFFE else "rgb"
    if layout.channels in (None, wanted):
        return
    base = table.name.removesuffix("-torchvision")
    other = base if wanted == "rgb" else f"{base}-torchvision"
    raise WeightsError(
        f"{origin}: has {layout.name}'s names, whose input preprocessing is not that of"
        f" network {table.name!r}: convert it to {other!r}, or say --channels=rgb or"
        " --channels=bgr where you know that its weights expect this network's"
    )


def _bring(
    array: np.ndarray, axes: tuple[int, ...], shape: tuple[int, ...]
) -> np.ndarray:
    """The array as float32 with its axes in our order; ValueError says why not."""
    if array.dtype.kind != "f":
        raise ValueError(f"has type {array.dtype}, expected floating point")
    expected = [0] * len(shape)
    for size, axis in zip(shape, axes, strict=True):
        expected[axis] = size
    if array.shape != tuple(expected):
        raise ValueError(f"has shape {array.shape}, expected {tuple(expected)}")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array.transpose(axes), dtype=np.float32)
    if bad := result.size - int(np.isfinite(result).sum()):
        raise ValueError(f"has {bad} values that are not finite")
    return result


def _some(arrays: Mapping[str, np.ndarray]) -> str:
    names = [f"{name!r:.60}" for name in list(arrays)[:4]]
    return ", ".join(names) + (", ..." if len(arrays) > 4 else "") if names else "none"
