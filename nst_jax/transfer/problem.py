"""From the pictures of lanes to the problem that they pose."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import cachetools
import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.images.frames import Shape
from nst_jax.losses.objective import Part
from nst_jax.networks.extract import prepare
from nst_jax.networks.masks import SIMPLE, Reach
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import (
    Problem,
    SeenObjective,
    loss_weights,
    stacked,
    targets,
)
from nst_jax.perceptual.regions import UNDIVIDED, Form, Kept
from nst_jax.transfer import divided
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.masks import Mask

_KEPT = 2**29
"""Bytes of paintings' statistics that are kept: 200 paintings by the default taps."""


class Studio:
    """Poses problems that share a network and all options but those that may vary.

    What a painting asks for is computed once; a photo's is kept with its problem only.
    Pictures of one frame share a compiled program.

    Attributes:
      objective: static, of pictures that aren't divided; see `of_form`.
      network: as it computes the objective fastest.
    """

    def __init__(self, network: Network, options: Options):
        """Prepares the network for the taps of `options`."""
        self._options = options
        self.objective = self.of_form(UNDIVIDED)
        self.network = prepare(network, self.objective.losses.taps())
        self._plain = network
        self._planned: dict[Hashable, dict[str, dict[str, Any]]] = {}
        self._checked: dict[tuple[Shape, tuple[str, ...]], str] = {}
        self._styles: cachetools.LRUCache[Hashable, dict[str, Any]]
        self._styles = cachetools.LRUCache(_KEPT, getsizeof=_bytes)
        self._lock = threading.RLock()

    def of_form(self, form: Form) -> SeenObjective:
        """The objective of pictures that are divided in a way."""
        return SeenObjective.of(self._options, form)

    def pose(self, lanes: Sequence[Lane], *, share: bool = True) -> Problem:
        """The data of the objective for `lanes`, whose photos have one frame and form.

        Args:
          lanes: at least one.
          share: keep the targets of one photo once, where all lanes have the same.
        """
        frame, form = lanes[0].content.frame, lanes[0].form
        parts = self.of_form(form).losses.parts
        masks = [divided.seen(self._plain, parts, lane) for lane in lanes]
        framed = self._framed(frame, parts, masks)
        taps = self.objective.losses.taps("style")
        weights = [
            divided.weights(
                *(parts, loss_weights(lane.job.options), of, lane.job.options),
                divided.missing(self._plain, lane, taps),
            )
            for of, lane in zip(masks, lanes, strict=True)
        ]
        wanted = [self._wanted(lane) for lane in lanes]
        seen = self._photos(lanes, parts, framed)
        shared = share and not form.keeps and len(set(map(id, seen))) == 1
        extents = np.array([lane.content.extent for lane in lanes], np.int32)
        grey = [lane.grey for lane in lanes]
        if not shared:
            wanted = [{**of, **photo} for of, photo in zip(wanted, seen, strict=True)]
        return Problem(
            self.network,
            stacked(wanted),
            seen[0] if shared else {},
            {
                part.name: jnp.asarray([of[part.name] for of in weights], jnp.float32)
                for part in parts
            },
            jnp.asarray(extents) if lanes[0].content.masked else None,
            jnp.asarray(grey) if any(grey) else None,
            framed,
            _kept(lanes),
        )

    def shapes(
        self,
        frame: Shape,
        lanes: int,
        *,
        masked: bool,
        share: bool,
        grey: bool = False,
        form: Form = UNDIVIDED,
    ) -> Problem:
        """The shapes and types of `pose`'s result, from no picture at all.

        Args:
          frame: of the photos.
          lanes: how many.
          masked: whether programs for that frame have to be told extents.
          share: whether all lanes have one photo.
          grey: whether a lane is to have no colour.
          form: how pictures are divided.
        """

        def many(tree: Any) -> Any:
            return jax.tree.map(
                lambda x: jax.ShapeDtypeStruct((lanes, *x.shape), x.dtype), tree
            )

        extents: Any = jax.ShapeDtypeStruct((lanes, 2), jnp.int32) if masked else None
        found, share = self._targets_of(frame, masked, form), share and not form.keeps
        style, parts = found["style"], self.of_form(form).losses.parts
        if form.regions:
            style = _of_regions([style] * form.regions)
        own = {**style, **({} if share else found["content"])}
        weights = {part.name: jnp.float32(0) for part in parts}
        taps = divided.tap_shapes(self._plain, frame, [p.tap for p in parts if p.mask])
        masks = {p.seen: jnp.zeros(taps[p.tap]) for p in parts if p.mask}
        kept: Any = Kept(jnp.zeros((*frame, 3)), jnp.zeros(frame))
        return Problem(
            self.network,
            many(own),
            found["content"] if share else {},
            many(weights),
            extents,
            many(jnp.bool(False)) if grey else None,
            many(masks),
            many(kept) if form.keeps else None,
        )

    def _targets_of(
        self, frame: Shape, masked: bool, form: Form
    ) -> dict[str, dict[str, Any]]:
        """Shapes and types of what pictures of a frame ask for; traced once a frame."""
        key = frame, masked, bool(form.regions), form.keeps
        if key not in self._planned:
            image = jax.ShapeDtypeStruct((*frame, 3), jnp.float32)
            one = jax.ShapeDtypeStruct((1, 2), jnp.int32) if masked else None

            style = self._masks_of(_WHOLE, frame, frame) if form.regions else None
            taps = [p.tap for p in self.objective.losses.parts if p.wants == "content"]
            shapes = divided.tap_shapes(self._plain, frame, taps)
            content = {tap: jnp.ones(shape) for tap, shape in shapes.items()}

            def asked(network: Network, image: Any, extents: Any, wants: str) -> Any:
                masks = style if wants == "style" else content if form.keeps else None
                found = self.objective.statistics(network, image, wants, extents, masks)
                return self.objective.losses.blend([found], [1.0])

            self._planned[key] = {
                wants: jax.eval_shape(
                    functools.partial(asked, wants=wants), self._plain, image, one
                )
                for wants in ("content", "style")
            }
        return self._planned[key]

    def blind(self, shape: Shape, *wants: str) -> str:
        """A tap that sees nothing of a picture of that shape, or "".

        Args:
          shape: height and width.
          wants: of the parts that look at it; all by default, as of the photo.
        """
        taps = self.objective.losses.taps(*wants)
        if (shape, taps) not in self._checked:
            image = jax.ShapeDtypeStruct((1, *shape, 3), jnp.float32)
            views = jax.eval_shape(lambda n, x: n(x, taps), self._plain, image)
            blind = [tap for tap in taps if not np.prod(views[tap].features.shape)]
            self._checked[shape, taps] = blind[0] if blind else ""
        return self._checked[shape, taps]

    def thin(self, lane: Lane) -> list[str]:
        """A line for each region of a lane of which taps see little.

        Raises:
          ImageError: a region of which no tap sees anything.
        """
        parts = self.of_form(lane.form).losses.parts
        taps = [p.tap for p in self.objective.losses.parts if p.wants == "style"]
        return divided.thin(self._plain, parts, lane, taps)

    def _photos(
        self,
        lanes: Sequence[Lane],
        parts: Sequence[Part],
        masks: Mapping[str, jax.Array],
    ) -> list[dict[str, Any]]:
        """What the photo of each lane asks for, seen as the picture is: where it is
        painted. One that is kept nowhere is one object for all of its lanes.
        """
        if not lanes[0].form.keeps:
            whole = {lane.content: None for lane in lanes}
            of = {photo: self._statistics(photo, "content") for photo in whole}
            return [of[lane.content] for lane in lanes]
        seen = {part.tap: masks[part.seen] for part in parts if part.wants == "content"}
        return [
            self._statistics(
                lane.content, "content", {tap: mask[n] for tap, mask in seen.items()}
            )
            for n, lane in enumerate(lanes)
        ]

    def _wanted(self, lane: Lane) -> dict[str, Any]:
        """What the paintings of a lane ask for, of each region if it has any."""
        shares = lane.job.options.style_blend or (1.0,) * len(lane.styles)
        if not lane.form.regions or lane.masks is None:
            return self._blended([(one, None) for one in lane.styles], shares)
        reach, found = divided.reach_of(lane.job.options), []
        for paintings in lane.masks.styles:
            of = [shares[place] for place, _ in paintings]
            parts = [
                (lane.styles[place], _Part(mask, reach)) for place, mask in paintings
            ]
            found.append(self._blended(parts, of if any(of) else [1.0] * len(of)))
        return _of_regions(found)

    def _blended(
        self,
        paintings: Sequence[tuple[Framed, "_Part | None"]],
        shares: Sequence[float],
    ) -> dict[str, Any]:
        key = tuple((one.key, one.frame, part) for one, part in paintings)

        def blend() -> dict[str, Any]:
            found = [self._style(*painting) for painting in paintings]
            return self.objective.losses.blend(found, shares)

        return self._once((key, tuple(shares)), blend)

    def _style(self, painting: Framed, part: "_Part | None") -> dict[str, Any]:
        key = painting.key, painting.frame, part

        def statistics() -> dict[str, Any]:
            if part is None:
                return self._statistics(painting, "style")
            masks = self._masks_of(part, painting.extent, painting.frame)
            return self._statistics(painting, "style", masks)

        return self._once(key, statistics)

    def _once(
        self, key: Hashable, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """What `make` gives, kept by its key while there is room."""
        with self._lock:
            if key in self._styles:
                return self._styles[key]
        found = make()
        with self._lock:
            if _bytes(found) <= _KEPT:
                self._styles[key] = found
        return found

    def _statistics(
        self,
        picture: Framed,
        wants: str,
        masks: Mapping[str, jax.Array] | None = None,
    ) -> dict[str, Any]:
        extents = jnp.asarray([picture.extent], jnp.int32) if picture.masked else None
        pixels = jnp.asarray(picture.pixels)
        return targets(self.objective, self._plain, pixels, wants, extents, masks)

    def _masks_of(
        self, part: "_Part", extent: Shape, frame: Shape
    ) -> dict[str, jax.Array]:
        """The masks of taps of a part of a painting, or of the whole of it."""
        taps = self.objective.losses.taps("style")
        shapes = divided.tap_shapes(self._plain, frame, taps)
        pixels = np.ones(extent, np.float32)
        if part.mask is not None:
            pixels = part.mask.pixels
        found = divided.of_painting(self._plain, pixels, taps, part.reach)
        return {
            tap: jnp.asarray(divided.framed(mask, shapes[tap]))
            for tap, mask in found.items()
        }

    def _framed(
        self, frame: Shape, parts: Sequence[Any], masks: Sequence[divided.TapMasks]
    ) -> dict[str, jax.Array]:
        """The masks of lanes in their frame, `[n, h', w']` by `Part.seen`."""
        looking = [part for part in parts if part.mask]
        shapes = divided.tap_shapes(self._plain, frame, [p.tap for p in looking])
        return {
            part.seen: jnp.asarray(
                np.stack(
                    [divided.framed(of[part.seen], shapes[part.tap]) for of in masks]
                )
            )
            for part in looking
        }


@dataclasses.dataclass(frozen=True)
class _Part:
    """The part of a painting that counts, None: all; and `mask_reach` of it."""

    mask: Mask | None = None
    reach: Reach = SIMPLE


_WHOLE = _Part()


def _of_regions(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Targets of regions, by the names of parts of a divided objective."""
    return {
        f"{name}/{n}": target
        for n, of_region in enumerate(found, 1)
        for name, target in of_region.items()
    }


def _kept(lanes: Sequence[Lane]) -> Kept | None:
    """What is kept of the photos of lanes."""
    if not lanes[0].form.keeps:
        return None
    photos = np.stack([lane.content.pixels for lane in lanes])
    painted = [
        divided.framed(lane.masks.painted, lane.content.frame)
        for lane in lanes
        if lane.masks is not None and lane.masks.painted is not None
    ]
    return Kept(jnp.asarray(photos), jnp.asarray(np.stack(painted)))


def _bytes(tree: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))
