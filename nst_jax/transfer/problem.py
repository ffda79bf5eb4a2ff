"""From the pictures of lanes to the problem that they pose."""

import copy
import dataclasses
import functools
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.images.frames import Shape
from nst_jax.losses.objective import Part
from nst_jax.losses.terms import Fitting
from nst_jax.networks.extract import Prepared, reaching
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import (
    Problem,
    SeenObjective,
    alone,
    stacked,
    targets,
)
from nst_jax.perceptual.parts import loss_weights
from nst_jax.perceptual.regions import UNDIVIDED, Form, Kept, of_regions
from nst_jax.recent import Recent
from nst_jax.transfer import divided
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.painted import Painted, Region, paintings
from nst_jax.transfer.sizes import Scale

_KEPT = 2**29
"""Bytes of paintings' statistics that are kept: 200 paintings by the default taps."""


class Studio:
    """Poses problems that share a network and all options but those that may vary.

    What a painting asks for is computed once; a photo's is kept with its problem only.
    Pictures of one frame share a compiled program.

    Attributes:
      objective: static, of pictures that aren't divided; see `of_form`.
      network: prepared when the first problem is posed.
      finishing: poses those of the last pass; None: there is none.
    """

    def __init__(self, network: Network, options: Options):
        """Prepares the network for the taps of `options`."""
        self._options = options
        self.objective = self.of_form(UNDIVIDED)
        taps = self.objective.losses.taps()
        self.network = Prepared(reaching(network, taps), taps)
        self._plain = self.network.plain
        self._planned: dict[Hashable, dict[str, dict[str, Any]]] = {}
        self._checked: dict[tuple[Shape, tuple[str, ...]], str] = {}
        self._styles: Recent[Hashable, dict[str, Any]]
        self._styles = Recent(_KEPT, _bytes)
        self._lock = threading.RLock()
        self.finishing: Studio | None = None
        if options.finish_loss != "none":
            self.finishing = copy.copy(self)
            self.finishing._finish(options)

    def _finish(self, options: Options) -> None:
        """Has the losses of the last pass, and nothing of those before it."""
        last = dataclasses.replace(options, style_loss=options.finish_loss)
        self._options = last
        self.objective = self.of_form(UNDIVIDED)
        self._planned, self.finishing = {}, None
        self._styles = Recent(_KEPT, _bytes)

    def at(self, scale: Scale) -> "Studio":
        """What poses the problems of a stretch of a run."""
        return self.finishing if scale.finishing and self.finishing else self

    def of_form(self, form: Form) -> SeenObjective:
        """The objective of pictures that are divided in a way."""
        return SeenObjective.of(self._options, form)

    def pose(self, lanes: Sequence[Lane], *, share: bool = True) -> Problem:
        """The data of the objective for `lanes`, whose photos have one frame and form.

        Args:
          lanes: at least one.
          share: keep the targets of one photo once, where all lanes have the same.

        Returns:
          All but those of terms that follow what a size begins with: see
          `transfer.following`.
        """
        frame, form = lanes[0].content.frame, lanes[0].form
        parts = self.of_form(form).losses.parts
        masks = [divided.seen(self._plain, parts, lane) for lane in lanes]
        framed = divided.in_frame(self._plain, frame, parts, masks)
        taps = self.objective.losses.views("style")
        weights = [
            divided.weights(
                *(parts, self._weights(lane), of, lane.job.options),
                divided.missing(self._plain, lane, taps),
            )
            for of, lane in zip(masks, lanes, strict=True)
        ]
        wanted = [self._wanted(lane) for lane in lanes]
        seeds = [lane.job.options.seed % 2**32 for lane in lanes]
        seen = self._photos(lanes, parts, framed)
        shared = share and not form.keeps and len(set(map(id, seen))) == 1
        extents = np.array([lane.content.extent for lane in lanes], np.int32)
        grey = [lane.grey for lane in lanes]
        if not shared:
            wanted = [{**of, **photo} for of, photo in zip(wanted, seen, strict=True)]
        return Problem(
            self.network.fastest,
            stacked(wanted),
            seen[0] if shared else {},
            {
                part.name: divided.in_float32([of[part.name] for of in weights])
                for part in parts
            },
            jnp.asarray(extents) if lanes[0].content.masked else None,
            jnp.asarray(grey) if any(grey) else None,
            framed,
            divided.kept(lanes),
            jnp.asarray(seeds, jnp.uint32) if self.objective.losses.fresh else None,
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
            style = of_regions([style] * form.regions)
        own = {**style, **({} if share else found["content"])}
        weights = {part.name: jnp.float32(0) for part in parts}
        taps = divided.tap_shapes(self._plain, frame, [p.tap for p in parts if p.mask])
        masks = {p.seen: jnp.zeros(taps[p.tap]) for p in parts if p.mask}
        kept: Any = Kept(jnp.zeros((*frame, 3)), jnp.zeros(frame))
        return Problem(
            self.network.shapes,
            many(own),
            found["content"] if share else {},
            many(weights),
            extents,
            many(jnp.bool(False)) if grey else None,
            many(masks),
            many(kept) if form.keeps else None,
            many(jnp.uint32(0)) if self.objective.losses.fresh else None,
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
            content = {tap: jnp.ones(shapes[tap]) for tap in taps}

            def asked(network: Network, image: Any, extents: Any, wants: str) -> Any:
                masks = style if wants == "style" else content if form.keeps else None
                found = self.objective.statistics(network, image, wants, extents, masks)
                return self._fitted(self.objective.losses.blend([found], [1.0]), frame)

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

    def _weights(self, lane: Lane) -> dict[str, float]:
        """The weights of undivided parts; the style loss may be that of a last pass."""
        style_loss = self._options.style_loss
        options = dataclasses.replace(lane.job.options, style_loss=style_loss)
        return loss_weights(options, max(lane.content.extent))

    def _wanted(self, lane: Lane) -> dict[str, Any]:
        """What the paintings of a lane ask for, of each region if it has any."""
        if self.objective.losses.follows:
            return {}
        found = [
            self._fitted(self._blended(of_region), lane.content.frame)
            for of_region in paintings(lane)
        ]
        return of_regions(found) if lane.form.regions else found[0]

    def _fitted(self, found: dict[str, Any], frame: Shape) -> dict[str, Any]:
        """Targets for a photo's frame, as many points as its own statistics have."""
        fitting = {
            part: part.term
            for part in self.objective.losses.wanting("style")
            if isinstance(part.term, Fitting) and part.name in found
        }
        shapes = divided.tap_shapes(self._plain, frame, [p.tap for p in fitting])
        turns = self._options.style_turns
        return found | {
            part.name: term.fitted(found[part.name], shapes[part.tap], turns)
            for part, term in fitting.items()
        }

    def _blended(self, paintings: Sequence[Painted]) -> dict[str, Any]:
        def blend() -> dict[str, Any]:
            found = [self._style(painting) for painting in paintings]
            if len(found) == 1:
                return alone(self.objective.losses, found[0])
            shares = [painting.share for painting in paintings]
            return self.objective.losses.blend(found, shares)

        keys = [(one.picture.key, one.picture.frame, one.part) for one in paintings]
        return self._once((*keys, *(one.share for one in paintings)), blend)

    def _style(self, painting: Painted) -> dict[str, Any]:
        key = painting.picture.key, painting.picture.frame, painting.part

        def statistics() -> dict[str, Any]:
            masks = self.masks_of(painting)
            return self._statistics(painting.picture, "style", masks)

        return self._once(key, statistics)

    def _once(
        self, key: Hashable, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """What `make` gives, kept by its key while there is room."""
        with self._lock:
            kept = self._styles.get(key)
        if kept is not None:
            return kept
        found = make()
        with self._lock:
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

    def masks_of(self, painting: Painted) -> dict[str, jax.Array] | None:
        """The masks of taps, of the part that counts; None: all does."""
        if painting.part is None:
            return None
        picture = painting.picture
        return self._masks_of(painting.part, picture.extent, picture.frame)

    def _masks_of(
        self, part: Region, extent: Shape, frame: Shape
    ) -> dict[str, jax.Array]:
        """The masks of taps of a part of a painting, or of the whole of it."""
        taps = self.objective.losses.views("style")
        shapes = divided.tap_shapes(self._plain, frame, taps)
        pixels = np.ones(extent, np.float32)
        if part.mask is not None:
            pixels = np.rot90(part.mask.pixels, part.quarters)
        found = divided.of_painting(self._plain, pixels, taps, part.reach)
        return {
            tap: jnp.asarray(divided.framed(mask, shapes[tap]))
            for tap, mask in found.items()
        }


_WHOLE = Region()


def _bytes(tree: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))
