"""Losses of pictures that are seen tile by tile, exactly those of the whole.

Statistics of additive terms are gathered over all tiles first; then each tile is seen
once more and gives its part of the gradient, by the slope of the whole's loss with
respect to the whole's statistics. So the device holds the features of one tile at a
time, whatever the size of the picture, for half as much work again as at once, and what
tiles see beyond themselves.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nst_jax.losses.objective import IMAGE, Objective, Part
from nst_jax.losses.terms import Placed, Sums, Term
from nst_jax.losses.view import View
from nst_jax.networks.network import Look, Network
from nst_jax.networks.tiles import Tiling
from nst_jax.perceptual.late import late
from nst_jax.perceptual.sight import Sight


class Seen(NamedTuple):
    """What tiles are seen by, and compared with.

    Attributes:
      network: that sees them.
      extents: `[n, 2]` int32, as in `Problem`.
      masks: `{Part.seen: [n, h', w']}`, likewise.
      targets: of `Placed` parts by name, leaves with a leading axis of lanes.
      shared: the same without that axis.
    """

    network: Network
    extents: jax.Array | None = None
    masks: Mapping[str, jax.Array] = {}
    targets: Mapping[str, Any] = {}
    shared: Mapping[str, Any] = {}


def unfit(losses: Objective) -> list[str]:
    """Names of the parts that need the whole picture at once."""
    return [part.name for part in losses.parts if not (_whole(part) or _adds_up(part))]


def of_image(losses: Objective) -> tuple[Part, ...]:
    """The parts that look at the picture itself, which is whole as it is."""
    return tuple(part for part in losses.parts if _whole(part))


def of_taps(losses: Objective, *wants: str) -> tuple[Part, ...]:
    """The parts whose sums are gathered over tiles."""
    return tuple(part for part in losses.wanting(*wants) if not _whole(part))


def sums_alone(part: Part) -> bool:
    """Whether what is gathered of a part depends on the picture alone."""
    return part.term.additive or _whole(part)


def _whole(part: Part) -> bool:
    return part.tap == IMAGE and not part.column


def _adds_up(part: Part) -> bool:
    if part.column or part.fresh or part.follows:
        return False
    return part.term.additive or isinstance(part.term, Placed)


@dataclasses.dataclass(frozen=True)
class Tiled:
    """How the tiles of pictures are seen: static, equal ones share a program.

    Attributes:
      sight: how the network sees pictures.
      parts: whose sums are gathered.
      tiling: of the network's taps.
    """

    sight: Sight
    parts: tuple[Part, ...]
    tiling: Tiling

    @property
    def taps(self) -> tuple[str, ...]:
        """That parts look at."""
        return tuple(dict.fromkeys(part.tap for part in self.parts))

    def places(self, images: jax.Array) -> np.ndarray:
        """Where the tiles of images `[n, h, w, 3]` lie; see `Tiling.windows`."""
        return self.tiling.windows((images.shape[1], images.shape[2]))[1]

    def cut(self, images: jax.Array, place: jax.Array) -> jax.Array:
        """What a tile sees of images `[n, h, w, 3]`, at `place`, `[2, 3]`."""
        (height, width), _ = self.tiling.windows((images.shape[1], images.shape[2]))
        size = len(images), height, width, images.shape[-1]
        return lax.dynamic_slice(images, at(0, *place[:, 0], 0), size)

    def framed(self, images: jax.Array, seen: Seen) -> tuple[jax.Array, Seen]:
        """Images of any shape, and masks of them, in whole units."""
        shape = images.shape[1], images.shape[2]
        frame = self.tiling.framed(shape)
        if frame == shape:
            return images, seen
        extents = seen.extents
        if extents is None:
            extents = jnp.broadcast_to(jnp.array(shape, jnp.int32), (len(images), 2))
        images = padded(images, (len(images), *frame, 3))
        seen = seen._replace(extents=extents)
        views = self.shown(images, seen)
        masks = {
            part.seen: padded(seen.masks[part.seen], views[part.tap].features.shape[:3])
            for part in self.parts
            if part.mask
        }
        return images, seen._replace(masks=masks)

    def shown(self, images: jax.Array, seen: Seen) -> dict[str, View]:
        """Shapes and types of the whole views of images `[n, h, w, 3]`."""

        def whole(network: Network, images: jax.Array, extents: Any) -> dict[str, View]:
            return self.sight(network, images, extents, self.taps)

        return jax.eval_shape(whole, seen.network, images, seen.extents)

    def views(
        self, crop: jax.Array, place: jax.Array, seen: Seen, look: Look | None = None
    ) -> dict[str, View]:
        """The views of a tile by tap, whose weight is 0 beyond its own part.

        Args:
          crop: of `cut`.
          place: of the tile.
          seen: what it is seen by.
          look: see `Network`.
        """
        extents = seen.extents
        if extents is not None:
            extents = jnp.clip(extents - place[:, 0], 0, jnp.array(crop.shape[1:3]))

        def own(tap: str, view: View) -> View:
            stride = seen.network.architecture.stride(tap)
            places = own_places(view.features.shape[1:3], place, stride)
            weight = jnp.broadcast_to(places, view.features.shape[:-1])
            if view.weight is not None:
                weight = weight * view.weight
            view = View(view.features, weight, jnp.sum(weight, axis=(-2, -1)))
            return look(tap, view) if look else view

        return self.sight(seen.network, crop, extents, self.taps, own)

    def sums(self, crop: jax.Array, place: jax.Array, seen: Seen) -> dict[str, Any]:
        """What parts gather of a tile, by name; leaves have an axis of lanes."""
        found: dict[str, Any] = {}

        def look(tap: str, view: View) -> View:
            stride = seen.network.architecture.stride(tap)
            parts = [part for part in self.parts if part.tap == tap]
            of_lane = functools.partial(
                _sums, parts, place[:, 0] // stride, seen.shared
            )
            sums = jax.vmap(of_lane)(view, seen.masks, seen.targets)
            features, sums = late(view.features, sums)
            found.update(sums)
            return dataclasses.replace(view, features=features)

        self.views(crop, place, seen, look)
        return found


def _sums(
    parts: Iterable[Part],
    first: jax.Array,
    shared: Mapping[str, Any],
    own: View,
    masks: Mapping[str, jax.Array],
    targets: Mapping[str, Any],
) -> dict[str, Any]:
    """What parts of one tap gather of a tile of one picture, by name.

    Args:
      parts: of the tap.
      first: row and column of the tap at which the tile begins.
      shared: see `Seen`.
      own: the tile's view.
      masks: of the whole picture, by `Part.seen`.
      targets: likewise, by name.
    """
    assert own.weight is not None
    asked, found = {**targets, **shared}, {}
    for part in parts:
        view = own
        if part.mask:
            mask = _window(masks[part.seen], first, own.weight.shape) * own.weight
            whole = part.wants != "style"
            count = own.count if whole else jnp.sum(mask)
            view = View(own.features, mask, count)
        if part.name not in asked:
            found[part.name] = _gathers(part.term)(view)
            continue
        assert isinstance(part.term, Placed)
        target = _beside(asked[part.name], first, own)
        found[part.name] = part.term.compared(view, target)
    return found


def gathered(tiled: Tiled, images: jax.Array, seen: Seen) -> dict[str, Any]:
    """Sums of the parts over all tiles, by name; leaves have an axis of lanes.

    Args:
      tiled: static.
      images: `[n, h, w, 3]`, the only argument with a gradient.
      seen: what they are seen by, and compared with.
    """
    return _gathered(tiled, *tiled.framed(images, seen))


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gathered(tiled: Tiled, images: jax.Array, seen: Seen) -> dict[str, Any]:
    places = tiled.places(images)

    def first(images: jax.Array, seen: Seen) -> dict[str, Any]:
        place = jnp.asarray(places[0])
        return tiled.sums(tiled.cut(images, place), place, seen)

    shapes = jax.eval_shape(first, images, seen)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

    def add(number: jax.Array, total: Any) -> Any:
        place = jnp.asarray(places)[number]
        of_tile = tiled.sums(tiled.cut(images, place), place, seen)
        return jax.tree.map(jnp.add, total, of_tile)

    total = lax.fori_loop(0, len(places), add, nothing)
    return jax.tree.map(_counted, total, is_leaf=_is_sums)


def _forward(tiled: Tiled, images: jax.Array, seen: Seen) -> tuple[Any, Any]:
    return _gathered(tiled, images, seen), (images, seen)


def _backward(tiled: Tiled, residuals: Any, slope: Any) -> tuple[jax.Array, None]:
    images, seen = residuals
    places = tiled.places(images)

    def add(number: jax.Array, gradient: jax.Array) -> jax.Array:
        place = jnp.asarray(places)[number]
        crop = tiled.cut(images, place)
        _, pull = jax.vjp(lambda crop: tiled.sums(crop, place, seen), crop)
        (of_tile,) = pull(slope)
        start = at(0, *place[:, 0], 0)
        so_far = lax.dynamic_slice(gradient, start, of_tile.shape)
        return lax.dynamic_update_slice(gradient, so_far + of_tile, start)

    gradient = lax.fori_loop(0, len(places), add, jnp.zeros_like(images))
    return gradient, None


_gathered.defvjp(_forward, _backward)


def _places(view: View) -> tuple[int, ...]:
    return view.features.shape[:-1]


def _gathers(term: Term) -> Callable[[View], Any]:
    """A term's statistic as it adds up, however few places a part has."""
    found: Callable[[View], Any] = getattr(term, "gathered", term.statistic)
    return found


def padded(values: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Values with zeros behind them along each axis, up to a shape."""
    behind = [(0, to - of) for of, to in zip(values.shape, shape, strict=True)]
    return jnp.pad(values, behind)


def own_places(shape: tuple[int, ...], place: jax.Array, stride: int) -> jax.Array:
    """1 where a tap's places of a tile, `[h', w']`, are its own, else 0: float32."""
    within = []
    for length, (first, begin, end) in zip(shape, place, strict=True):
        pixels = first + stride * jnp.arange(length)
        within.append((pixels >= begin) & (pixels < end))
    return (within[0][:, None] & within[1]).astype(jnp.float32)


def _window(whole: jax.Array, first: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """A tile's part of `[h', w', ...]`, from its `first` row and column."""
    start = at(*first, *[0] * (whole.ndim - 2))
    return lax.dynamic_slice(whole, start, (*shape, *whole.shape[2:]))


def _beside(target: View, first: jax.Array, own: View) -> View:
    """A tile's part of a photo's view, which counts where the tile's own does."""
    assert own.weight is not None
    features = _window(target.features, first, own.weight.shape)
    weight = own.weight
    if target.weight is not None:
        weight = weight * _window(target.weight, first, own.weight.shape)
    return View(features, weight, jnp.sum(weight))


def at(*places: Any) -> tuple[jax.Array, ...]:
    """Where a slice begins, in indices of one type."""
    return tuple(jnp.asarray(place, jnp.int32) for place in places)


def _is_sums(node: Any) -> bool:
    return isinstance(node, Sums)


def _counted(node: Any) -> Any:
    """Sums that can be divided by their count: that of nothing is 1."""
    if not _is_sums(node):
        return node
    return Sums(node.values, jnp.where(node.count > 0, node.count, 1))
