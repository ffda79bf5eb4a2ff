"""What a divided picture adds to its problem: masks of taps, and shares of weights."""

import dataclasses
import itertools
from collections.abc import Collection, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.errors import ImageError
from nst_jax.images.frames import Shape
from nst_jax.losses import hypercolumn
from nst_jax.losses.hypercolumn import HYPERCOLUMN
from nst_jax.losses.objective import IMAGE, Part
from nst_jax.networks.masks import SIMPLE, Reach, at_taps, grown, shapes
from nst_jax.networks.network import Network
from nst_jax.options import Options, chosen
from nst_jax.perceptual.regions import PAINTED, Kept
from nst_jax.transfer.lanes import Lane

_THIN = 4.0
"""Places of a tap below which a region shows little of a style there."""

TapMasks = Mapping[str, np.ndarray]
"""Masks by `Part.seen`, `[h', w']` each."""


def reach_of(options: Options) -> Reach:
    """What counts of masks in a layer, by `mask_reach` and `mask_grow`."""
    reach: Reach = chosen(options, "mask_reach")
    return dataclasses.replace(reach, grow=options.mask_grow)


def tap_shapes(network: Network, shape: Shape, taps: Sequence[str]) -> dict[str, Shape]:
    """Height and width of taps, the picture itself among them, for a shape of it."""
    own = [tap for tap in taps if tap not in (IMAGE, HYPERCOLUMN)]
    found = shapes(network.architecture, shape, own, network.pooling)
    return {**found, IMAGE: shape, HYPERCOLUMN: hypercolumn.shape_of(shape)}


def seen(network: Network, parts: Sequence[Part], lane: Lane) -> dict[str, np.ndarray]:
    """The masks through which parts see a lane's picture, without its padding."""
    if lane.masks is None:
        return {}
    reach = reach_of(lane.job.options)
    regions = lane.masks.regions
    style = [part.tap for part in parts if part.mask and part.wants == "style"]
    content = [part.tap for part in parts if part.mask and part.wants != "style"]
    of_regions = _at_taps(network, regions, style, reach)
    found = {
        f"{tap}/{n}": mask
        for tap, of in of_regions.items()
        for n, mask in enumerate(of, 1)
    }
    if lane.masks.painted is not None:
        painted = _at_taps(network, lane.masks.painted[None], content, SIMPLE)
        found |= {f"{tap}/{PAINTED}": of[0] for tap, of in painted.items()}
    return found


def of_painting(
    network: Network, mask: np.ndarray, taps: Sequence[str], reach: Reach
) -> dict[str, np.ndarray]:
    """A mask `[h, w]` of a painting as masks of taps."""
    found = _at_taps(network, mask[None], taps, reach)
    return {tap: of[0] for tap, of in found.items()}


def _at_taps(
    network: Network, masks: np.ndarray, taps: Sequence[str], reach: Reach
) -> dict[str, np.ndarray]:
    own = [tap for tap in taps if tap not in (IMAGE, HYPERCOLUMN)]
    architecture, pooling = network.architecture, network.pooling
    found = at_taps(architecture, masks, own, reach=reach, pooling=pooling)
    if IMAGE in taps:
        found[IMAGE] = masks
    if HYPERCOLUMN in taps:
        found[HYPERCOLUMN] = grown(_at_hypercolumns(masks, reach), reach.grow)
    return found


def _at_hypercolumns(masks: np.ndarray, reach: Reach) -> np.ndarray:
    """Masks `[r, h, w]` of a picture, over the square of each of its hypercolumns."""
    for axis, count in enumerate(hypercolumn.shape_of(masks.shape[1:]), 1):
        edges = np.arange(count + 1) * masks.shape[axis] // count
        parts = [
            reach.reduce(np.take(masks, range(first, last), axis), axis=axis)
            for first, last in itertools.pairwise(edges)
        ]
        masks = np.stack(parts, axis)
    return masks.astype(np.float32)


def framed(mask: np.ndarray, shape: Shape) -> np.ndarray:
    """A mask `[h, w]` in the top left corner of zeros, `[*shape]`."""
    beyond = [(0, frame - side) for frame, side in zip(shape, mask.shape, strict=True)]
    return np.pad(mask, beyond)


def in_frame(
    network: Network, frame: Shape, parts: Sequence[Part], masks: Sequence[TapMasks]
) -> dict[str, jax.Array]:
    """The masks of lanes in their frame, `[n, h', w']` by `Part.seen`."""
    looking = [part for part in parts if part.mask]
    shapes = tap_shapes(network, frame, [part.tap for part in looking])
    return {
        part.seen: jnp.asarray(
            np.stack([framed(of[part.seen], shapes[part.tap]) for of in masks])
        )
        for part in looking
    }


def kept(lanes: Sequence[Lane]) -> Kept | None:
    """What is kept of the photos of lanes."""
    if not lanes[0].form.keeps:
        return None
    photos = np.stack([lane.content.pixels for lane in lanes])
    painted = [
        framed(lane.masks.painted, lane.content.frame)
        for lane in lanes
        if lane.masks is not None and lane.masks.painted is not None
    ]
    return Kept(jnp.asarray(photos), jnp.asarray(np.stack(painted)))


def weights(
    parts: Sequence[Part],
    whole: Mapping[str, float],
    masks: TapMasks,
    options: Options,
    silent: Collection[tuple[str, int]] = (),
) -> dict[str, float]:
    """The weight of each part, by name: a style's is shared out to the regions.

    Args:
      parts: of a divided objective.
      whole: weights of parts of the undivided one.
      masks: from `seen`.
      options: `mask_balance` says how they are shared out.
      silent: from `missing`: taps and regions that ask for nothing.
    """
    balance = chosen(options, "mask_balance")
    shares = {}
    for tap in dict.fromkeys(p.tap for p in parts if _styles(p, p.tap)):
        # Of several terms at a tap the masks are the same.
        seen = {p.seen: masks[p.seen] for p in parts if _styles(p, tap)}
        shares[tap] = balance(np.stack(list(seen.values())))
    found = {}
    for part in parts:
        if not part.mask or part.wants != "style":
            found[part.name] = whole[part.name]
            continue
        name, _, number = part.name.rpartition("/")
        asks = (part.tap, int(number)) not in silent
        share = float(shares[part.tap][int(number) - 1]) if asks else 0.0
        found[part.name] = whole[name] * share
    return found


def in_float32(weights: Sequence[float]) -> jax.Array:
    """Weights as arrays have them; those beyond float32 are infinite, as losses are."""
    with np.errstate(over="ignore"):
        return jnp.asarray(np.asarray(weights, np.float64).astype(np.float32))


def missing(network: Network, lane: Lane, taps: Sequence[str]) -> set[tuple[str, int]]:
    """Taps that see nothing of what a region is to be like, each with its number."""
    if lane.masks is None:
        return set()
    reach = reach_of(lane.job.options)
    return {
        (tap, n)
        for n, paintings in enumerate(lane.masks.styles, 1)
        for _, mask in paintings
        if mask is not None
        for tap, of in of_painting(network, mask.pixels, taps, reach).items()
        if not of.any()
    }


def _styles(part: Part, tap: str) -> bool:
    return bool(part.mask) and part.wants == "style" and part.tap == tap


def thin(
    network: Network, parts: Sequence[Part], lane: Lane, taps: Sequence[str]
) -> list[str]:
    """A line for each region of which taps see little.

    Args:
      network: that sees it.
      parts: of the divided objective.
      lane: with its masks.
      taps: of the style.

    Raises:
      ImageError: a region of which no tap sees anything.
    """
    if lane.masks is None:
        return []
    masks, lines = seen(network, parts, lane), list[str]()
    reach = reach_of(lane.job.options)
    for n, name in enumerate(lane.masks.names, 1):
        of_photo = {tap: masks[f"{tap}/{n}"] for tap in taps}
        lines += _said(name, of_photo, reach)
        for place, mask in lane.masks.styles[n - 1]:
            if mask is not None:
                of = of_painting(network, mask.pixels, taps, reach)
                lines += _said(f"{name} of painting {place + 1}", of, reach)
    return lines


def _said(name: str, masks: TapMasks, reach: Reach) -> list[str]:
    sums = {tap: float(mask.sum()) for tap, mask in masks.items()}
    if masks and not any(sums.values()):
        less = "mask_grow=0" if reach.grow < 0 else "mask_reach=simple"
        raise ImageError(
            f"{name}: the region is too thin for all style taps, none sees it: draw it "
            f"larger, or give a larger size, or {less}"
        )
    none = [tap for tap, total in sums.items() if not total]
    few = [tap for tap, total in sums.items() if 0 < total < _THIN]
    lines = []
    advice = "a larger region or size, or earlier taps, would show more"
    if none:
        lines.append(
            f"{name}: {', '.join(none)} sees nothing of that region alone and is left "
            f"out there: {advice}"
        )
    if few:
        tap = few[-1]
        lines.append(
            f"{name}: a thin region, {sums[tap]:.2g} of {masks[tap].size} places of "
            f"{tap}: {advice}"
        )
    return lines
