"""From a source file's keys, axes and channel order to the project's own.

Ours: `conv1_1/kernel` float32 `[height, width, inputs, outputs]` and `conv1_1/bias`
float32 `[outputs]`, the first kernel taking R, G, B. `layouts.LAYOUTS` says for each
naming that files use which key becomes which; everything that does not fit is
collected and raised once.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts import LAYOUTS, Channels, Layout

_NORMALIZED = "-normalized"


def choose_layout(
    arrays: Mapping[str, np.ndarray], format_name: str, architecture: Architecture
) -> Layout:
    """The layout of this format and family that finds most of its keys in `arrays`.

    Raises:
      WeightsError: no layout of the format fits the network's family.
    """
    candidates = [
        layout
        for layout in LAYOUTS
        if format_name in layout.formats
        and layout.family in (None, architecture.family)
    ]
    if not candidates:
        raise WeightsError(
            f"no {architecture.family} network is known in format {format_name!r};"
            " see weights_convert.layouts.LAYOUTS"
        )

    def found(layout: Layout) -> int:
        return sum(
            any(key in arrays for key in keys)
            for keys in layout.keys(architecture).values()
        )

    return max(candidates, key=found)


def map_arrays(
    arrays: Mapping[str, np.ndarray],
    layout: Layout,
    architecture: Architecture,
    *,
    origin: str | Path = "the file",
    channels: Channels | None = None,
) -> dict[str, np.ndarray]:
    """Brings a file's arrays to the names, axes and channel order of the store.

    Keys that the architecture does not ask for (the classifier) are ignored.

    Args:
      arrays: what a reader returned.
      layout: what its keys mean.
      architecture: the network, with the shapes to check against.
      origin: names the file in errors.
      channels: order that the first kernel takes, where it is not the layout's own
        (a port of Caffe's weights under torchvision's names takes "bgr").

    Returns:
      `{key: float32 array}` for every key of `architecture.shapes`, C-contiguous.

    Raises:
      WeightsError: layers are missing, misshapen, of another type or not finite (all
        named at once), or the layout's kernels belong to another preprocessing.
    """
    _check_normalized(layout, architecture, origin)
    if channels is None:
        channels = layout.channels
        _check_preprocessing(layout, architecture, origin)
    if layout.prepare is not None:
        try:
            arrays = layout.prepare(arrays, architecture)
        except WeightsError as error:
            raise WeightsError(f"{origin}: {error}") from error
    mapped, errors, used = _gather(arrays, layout, architecture)
    if not used:
        errors = [*errors[:2], f"and so on; it has {_some(arrays)}"]
    else:
        if ends := _ends_early(used, architecture):
            errors = [ends, *(line for line in errors if not line.endswith(" missing"))]
        errors += [
            f"{key!r} is no layer of it"
            for key in arrays
            if key not in used.values() and key.startswith(layout.claims)
        ]
    if errors:
        raise WeightsError(
            f"{origin}: does not fit network {architecture.name!r}: "
            + "; ".join(errors)
        )
    if channels == "bgr":
        first = f"{architecture.convolutions[0].name}/kernel"
        mapped[first] = np.ascontiguousarray(mapped[first][:, :, ::-1, :])
    return mapped


def _gather(
    arrays: Mapping[str, np.ndarray], layout: Layout, architecture: Architecture
) -> tuple[dict[str, np.ndarray], list[str], dict[str, str]]:
    """`(arrays under our keys, everything wrong, {our key: the file's})`."""
    mapped: dict[str, np.ndarray] = {}
    errors: list[str] = []
    used: dict[str, str] = {}
    sources = layout.keys(architecture)
    for target, shape in architecture.shapes.items():
        key = next((key for key in sources[target] if key in arrays), None)
        if key is None:
            errors.append(f"{target}: {sources[target][0]!r} is missing")
            continue
        used[target] = key
        axes = layout.axes if target.endswith("/kernel") else (0,)
        try:
            mapped[target] = _bring(arrays[key], axes, shape)
        except ValueError as error:
            errors.append(f"{target}: {key!r} {error}")
    return mapped, errors, used


def _check_preprocessing(
    layout: Layout, architecture: Architecture, origin: str | Path
) -> None:
    """Caffe's weights on torchvision's input would run, and be wrong."""
    wanted = architecture.preprocessing.channels
    if layout.channels in (None, wanted):
        return
    base = architecture.name.removesuffix(_NORMALIZED).removesuffix("-torchvision")
    other = base if wanted == "rgb" else f"{base}-torchvision"
    advice = f"convert it to {other!r}, or " if other != architecture.name else ""
    raise WeightsError(
        f"{origin}: has {layout.name}'s names, whose input preprocessing is not that of"
        f" network {architecture.name!r}: {advice}say --channels=rgb or --channels=bgr"
        " where you know that its weights expect this network's"
    )


def _check_normalized(
    layout: Layout, architecture: Architecture, origin: str | Path
) -> None:
    """Rescaled filters under the plain network's name would run, and be wrong."""
    plain = architecture.name.removesuffix(_NORMALIZED)
    if layout.normalized in (None, plain != architecture.name):
        return
    if layout.normalized:
        raise WeightsError(
            f"{origin}: has {layout.name}'s names, whose filters are rescaled: convert"
            f" it to '{plain}{_NORMALIZED}'"
        )
    raise WeightsError(
        f"{origin}: has {layout.name}'s names, whose filters are not rescaled: convert"
        f" it to {plain!r}, then `nst-weights normalize {plain} IMAGES...`"
    )


def _ends_early(used: Mapping[str, str], architecture: Architecture) -> str:
    """What to say of a file that holds the network's first layers and no others."""
    names = [layer.name for layer in architecture.convolutions]
    depth = len(used) // 2
    first = [f"{name}/{part}" for name in names[:depth] for part in ("kernel", "bias")]
    if depth == len(names) or set(first) != used.keys():
        return ""
    return (
        f"it ends at {names[depth - 1]}, and this network goes on from {names[depth]}"
        f" to {names[-1]}; get the whole file"
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
