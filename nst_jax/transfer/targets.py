"""What the photos and paintings of lanes ask for, as a network sees them."""

import functools
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.devices import memory
from nst_jax.images.frames import Shape
from nst_jax.losses.objective import Part
from nst_jax.losses.terms import Fitting
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import SeenObjective, alone, targets
from nst_jax.perceptual.regions import Form, of_regions
from nst_jax.recent import Recent
from nst_jax.transfer import divided
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.painted import Painted, Region, paintings

_KEPT = 2**29
"""Bytes of paintings' statistics that are kept: 200 paintings by the default taps."""


class Targets:
    """Targets of lanes whose options differ in what varies only.

    What a painting asks for is computed once; a photo's is kept with its problem only.
    """

    def __init__(self, network: Network, options: Options, objective: SeenObjective):
        """Computes nothing yet.

        Args:
          network: plain, as few pictures are seen by it.
          options: of the lanes.
          objective: of pictures that aren't divided.
        """
        self._plain, self._options, self.objective = network, options, objective
        self._planned: dict[Hashable, dict[str, dict[str, Any]]] = {}
        self._styles: Recent[Hashable, dict[str, Any]]
        self._styles = Recent(_KEPT, _bytes)
        self._lock = threading.RLock()

    def shapes(
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

    def photos(
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

    def paintings(self, lane: Lane) -> dict[str, Any]:
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
        found = targets(self.objective, self._plain, pixels, wants, extents, masks)
        # One after the other where programs run side by side, each with its memory.
        return jax.block_until_ready(found) if memory.is_shared() else found

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
