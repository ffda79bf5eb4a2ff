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
from weights_convert.layouts import Channels, Layout
from weights_convert.matching import (
    Match,
    choose_layout,
    file_shape,
    identify,
    match,
    unclaimed,
)
from weights_convert.origin import Origin, base, by_filters, order_by_color

__all__ = ["choose_layout", "map_arrays"]

_NORMALIZED = "-normalized"
_SHOWN = 6  # errors, at most, in a line


def map_arrays(
    arrays: Mapping[str, np.ndarray],
    layout: Layout,
    architecture: Architecture,
    *,
    origin: str | Path = "the file",
    channels: Channels | None = None,
    known: Origin | None = None,
) -> dict[str, np.ndarray]:
    """Brings a file's arrays to the names, axes and channel order of the store.

    Keys that the architecture does not ask for (the classifier) are ignored, and what
    stands before all of them (`module.`) too.

    Args:
      arrays: what a reader returned.
      layout: what its keys mean.
      architecture: the network, with the shapes to check against.
      origin: names the file in errors.
      channels: order that the first kernel takes, where it is not the layout's own.
      known: whose weights they are; None looks at the first filters.

    Returns:
      `{key: float32 array}` for every key of `architecture.shapes`, C-contiguous.

    Raises:
      WeightsError: layers are missing, misshapen, of another type or not finite (all
        named at once), or the weights are another network's, or expect another input.
    """
    try:
        found = match(arrays, layout, architecture)
        named = found.named(arrays)
        if layout.prepare is not None:
            named = layout.prepare(named, architecture)
        mapped = _whole(named, arrays, found, architecture)
        first = f"{architecture.convolutions[0].name}/kernel"
        order = _order(mapped[first], layout, architecture, channels, known)
    except WeightsError as error:
        raise WeightsError(f"{origin}: {error}") from error
    if order == "bgr":
        mapped[first] = np.ascontiguousarray(mapped[first][:, :, ::-1, :])
    return mapped


def _whole(
    named: Mapping[str, np.ndarray],
    arrays: Mapping[str, np.ndarray],
    found: Match,
    architecture: Architecture,
) -> dict[str, np.ndarray]:
    """Arrays under our keys, the first kernel's channels in the file's order."""
    layout = found.layout
    mapped, errors, used = _gather(named, layout, architecture)
    more = unclaimed(named, layout, used.values())
    if not errors and not more:
        return mapped
    if (others := identify(arrays, layout.formats)) and architecture.name not in others:
        errors = [f"its layers are those of {others[0]!r}, convert it to that"]
    elif not used:
        errors = [*errors[:2], f"and so on; it has {_some(arrays)}"]
    elif more := more or _named_otherwise(arrays, found):
        errors = [*_few(errors), *more]
    elif ends := _ends_early(used, architecture):
        errors = [ends, *(line for line in errors if not line.endswith(" missing"))]
    else:
        errors = _few(errors)
    raise WeightsError(
        f"does not fit network {architecture.name!r}: {'; '.join(errors)}"
    )


def _named_otherwise(arrays: Mapping[str, np.ndarray], found: Match) -> list[str]:
    """What to say of 3x3 kernels that don't stand where the others do."""
    used = {found.prefix + key for key in found.used.values()}
    sides = found.layout.axes[:2]
    rest = {
        key: array
        for key, array in arrays.items()
        if key not in used
        and array.ndim == 4
        and all(array.shape[axis] == 3 for axis in sides)
    }
    return [f"it has other kernels of other names, {_some(rest)}"] if rest else []


def _few(errors: list[str]) -> list[str]:
    more = len(errors) - _SHOWN
    return [*errors[:_SHOWN], f"and so on, {more} more"] if more > 0 else errors


def _order(
    kernel: np.ndarray,
    layout: Layout,
    architecture: Architecture,
    channels: Channels | None,
    known: Origin | None,
) -> Channels | None:
    """The order of channels that the file's first kernel takes.

    Raises:
      WeightsError: the weights are another network's, or `channels` is wrong.
    """
    known = known or by_filters(kernel, architecture)
    if known is not None:
        known.check(architecture, channels)
        return known.channels or layout.channels
    _check_normalized(layout, architecture)
    if channels is not None:
        return channels
    _check_preprocessing(layout, architecture)
    order, seen = layout.channels or "rgb", order_by_color(kernel)
    if seen not in (None, order):
        raise WeightsError(
            f"has {layout.name}'s names, whose first filters take {order}; these see"
            f" least of their {'first' if seen == 'bgr' else 'third'} channel, as of"
            f" blue: say --channels={seen}, or --channels={order} if you know better"
        )
    return order


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


def _check_preprocessing(layout: Layout, architecture: Architecture) -> None:
    """Caffe's weights on torchvision's input would run, and be wrong."""
    wanted = architecture.preprocessing.channels
    if layout.channels in (None, wanted):
        return
    other = base(architecture.name) + "-torchvision" * (wanted == "bgr")
    advice = f"convert it to {other!r}, or " if other != architecture.name else ""
    raise WeightsError(
        f"has {layout.name}'s names, whose input preprocessing is not that of network"
        f" {architecture.name!r}: {advice}say --channels=rgb or --channels=bgr where"
        " you know that its weights expect this network's"
    )


def _check_normalized(layout: Layout, architecture: Architecture) -> None:
    """Rescaled filters under the plain network's name would run, and be wrong."""
    rescaled, plain = architecture.name.endswith(_NORMALIZED), base(architecture.name)
    if layout.normalized in (None, rescaled):
        return
    if layout.normalized:
        raise WeightsError(
            f"has {layout.name}'s names, whose filters are rescaled: convert it to"
            f" '{plain}{_NORMALIZED}'"
        )
    raise WeightsError(
        f"has {layout.name}'s names, whose filters are not rescaled: convert it to"
        f" {plain!r}, then `nst-weights normalize {plain} IMAGES...`"
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
    if array.shape != (expected := file_shape(shape, axes)):
        raise ValueError(f"has shape {array.shape}, expected {expected}")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array.transpose(axes), dtype=np.float32)
    if bad := result.size - int(np.isfinite(result).sum()):
        raise ValueError(f"has {bad} values that are not finite")
    return result


def _some(arrays: Mapping[str, np.ndarray]) -> str:
    names = [f"{name!r:.60}" for name in list(arrays)[:4]]
    return ", ".join(names) + (", ..." if len(arrays) > 4 else "") if names else "none"
