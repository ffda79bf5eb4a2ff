"""Masks of a picture as masks of what a network shows of it.

Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section
3.1 and their code, which shrinks masks to the taps, or follows what neurons see, and
grows or shrinks them there.
"""

import dataclasses
from collections.abc import Callable, Collection

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nst_jax.networks.extents import count_windows
from nst_jax.networks.pooling import Mode
from weights_convert.architectures import (
    Architecture,
    Concatenation,
    Convolution,
    Layer,
    Pooling,
)

Shape = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Reach:
    """What a value of `Options.mask_reach` stands for.

    Attributes:
      reduce: of what the window of a layer covers of a mask: `np.mean` and the like.
      overlaps: whether windows of convolutions are as large as their kernels, or only
        the squares that lie side by side.
      grow: places of a tap by which masks grow there at last, `Options.mask_grow`.
    """

    reduce: Callable[..., np.ndarray]
    overlaps: bool
    grow: int = 0


SIMPLE = Reach(np.mean, overlaps=False)
"""The mean of the mask over a tap's square: strides count, the size of kernels not."""

INSIDE = Reach(np.min, overlaps=True)
"""The least of the mask that a place of the tap sees: it sees this region alone."""

ALL = Reach(np.max, overlaps=True)
"""The most that it sees: every place that sees something of the region."""


def at_taps(
    architecture: Architecture,
    masks: np.ndarray,
    taps: Collection[str],
    *,
    reach: Reach,
    pooling: Mode,
) -> dict[str, np.ndarray]:
    """Masks of a picture as masks of taps.

    Args:
      architecture: of the network.
      masks: `[r, h, w]` in [0, 1], of a picture that fills them; none, `[0, h, w]`,
        tell the shapes of taps.
      taps: of the network.
      reach: how layers carry them.
      pooling: of the network.

    Returns:
      `{tap: [r, h', w']}` float32 in [0, 1], `h'` and `w'` of the tap's features.
    """
    found = {"": masks}
    for layer in architecture.leading_to(taps):
        below = [found[name] for name in architecture.bottoms[layer.name]]
        if isinstance(layer, Concatenation):
            found[layer.name] = reach.reduce(np.stack(below), axis=0)
        else:
            found[layer.name] = _through(layer, below[0], reach, pooling)
    return {tap: grown(found[tap].astype(np.float32), reach.grow) for tap in taps}


def grown(masks: np.ndarray, places: int) -> np.ndarray:
    """Masks `[..., h, w]` that reach so many places further, or less far if below 0.

    Each place gets the most, or the least, of the square around it. What lies beyond an
    edge counts as what lies along it, so that nothing shrinks from there.

    Gatys et al. 2017 grow or shrink theirs after `INSIDE`, and make them black and
    white again by a threshold of 0.5; soft ones stay soft here.
    """
    if not places:
        return masks
    most, reach = (np.max if places > 0 else np.min), abs(places)
    for axis in (masks.ndim - 2, masks.ndim - 1):
        beyond = [(reach, reach) if n == axis else (0, 0) for n in range(masks.ndim)]
        padded = np.pad(masks, beyond, mode="edge")
        masks = most(sliding_window_view(padded, 2 * reach + 1, axis), axis=-1)
    return masks


def shapes(
    architecture: Architecture, shape: Shape, taps: Collection[str], pooling: Mode
) -> dict[str, Shape]:
    """Height and width of the features of a picture of a shape, by tap."""
    none = np.zeros((0, *shape), np.float32)
    found = at_taps(architecture, none, taps, reach=SIMPLE, pooling=pooling)
    return {tap: masks.shape[1:] for tap, masks in found.items()}


def _through(
    layer: Layer, masks: np.ndarray, reach: Reach, pooling: Mode
) -> np.ndarray:
    match layer:
        case Convolution():
            sizes, ceil = (layer.height, layer.width), False
        case Pooling():
            sizes, ceil = (layer.size, layer.size), layer.ceil or pooling.ceil
        case _:
            return masks
    stride, padding = layer.stride, layer.padding
    for axis, size in enumerate(sizes, 1):
        length = masks.shape[axis]
        count = count_windows(length, size, stride, padding, ceil=ceil)
        first = np.arange(count) * stride - padding
        if not reach.overlaps:
            first, size = first + (size - stride) // 2, stride
        if size == 1 and count == length and not first[:1].any():
            continue
        # What reaches over an edge sees what lies along it.
        seen = np.clip(first[:, None] + np.arange(size), 0, length - 1)
        masks = reach.reduce(np.take(masks, seen, axis), axis=axis + 1)
    return masks
