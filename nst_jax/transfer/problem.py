"""From the pictures of lanes to the problem that they pose."""

import functools
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import cachetools
import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.images.frames import Shape
from nst_jax.networks.extract import prepare
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import (
    Problem,
    SeenObjective,
    loss_weights,
    stacked,
    targets,
)
from nst_jax.transfer.pictures import Framed, Lane

_KEPT = 2**29
"""Bytes of paintings' statistics that are kept: 200 paintings by the default taps."""


class Studio:
    """Poses problems that share a network and all options but those that may vary.

    What a painting asks for is computed once; a photo's is kept with its problem only.
    Pictures of one frame share a compiled program.

    Attributes:
      objective: static.
      network: as it computes the objective fastest.
    """

    def __init__(self, network: Network, options: Options):
        """Prepares the network for the taps of `options`."""
        self.objective = SeenObjective.of(options)
        self.network = prepare(network, self.objective.losses.taps())
        self._plain = network
        self._planned: dict[tuple[Shape, bool], dict[str, dict[str, Any]]] = {}
        self._checked: dict[tuple[Shape, tuple[str, ...]], str] = {}
        self._styles: cachetools.LRUCache[Hashable, dict[str, Any]]
        self._styles = cachetools.LRUCache(_KEPT, getsizeof=_bytes)
        self._lock = threading.RLock()

    def pose(self, lanes: Sequence[Lane], *, share: bool = True) -> Problem:
        """The data of `objective` for `lanes`, whose photos have one frame.

        Args:
          lanes: at least one.
          share: keep the targets of one photo once, where all lanes have the same.
        """
        weights = [loss_weights(lane.job.options) for lane in lanes]
        wanted = [self._blended(lane) for lane in lanes]
        photos = {lane.content: None for lane in lanes}
        seen = {photo: self._statistics(photo, "content") for photo in photos}
        shared = share and len(seen) == 1
        extents = np.array([lane.content.extent for lane in lanes], np.int32)
        grey = [lane.grey for lane in lanes]
        if not shared:
            wanted = [
                {**of_style, **seen[lane.content]}
                for of_style, lane in zip(wanted, lanes, strict=True)
            ]
        return Problem(
            self.network,
            stacked(wanted),
            next(iter(seen.values())) if shared else {},
            {
                part.name: jnp.asarray([of[part.name] for of in weights], jnp.float32)
                for part in self.objective.losses.parts
            },
            jnp.asarray(extents) if lanes[0].content.masked else None,
            jnp.asarray(grey) if any(grey) else None,
        )

    def shapes(
        self,
        frame: Shape,
        lanes: int,
        *,
        masked: bool,
        share: bool,
        grey: bool = False,
    ) -> Problem:
        """The shapes and types of `pose`'s result, from no picture at all.

        Args:
          frame: of the photos.
          lanes: how many.
          masked: whether programs for that frame have to be told extents.
          share: whether all lanes have one photo.
          grey: whether a lane is to have no colour.
        """

        def many(tree: Any) -> Any:
            return jax.tree.map(
                lambda x: jax.ShapeDtypeStruct((lanes, *x.shape), x.dtype), tree
            )

        extents: Any = jax.ShapeDtypeStruct((lanes, 2), jnp.int32) if masked else None
        found = self._targets_of(frame, masked)
        own = {**found["style"], **({} if share else found["content"])}
        weights = {part.name: jnp.float32(0) for part in self.objective.losses.parts}
        return Problem(
            self.network,
            many(own),
            found["content"] if share else {},
            many(weights),
            extents,
            many(jnp.bool(False)) if grey else None,
        )

    def _targets_of(self, frame: Shape, masked: bool) -> dict[str, dict[str, Any]]:
        """Shapes and types of what pictures of a frame ask for; traced once a frame."""
        if (frame, masked) not in self._planned:
            image = jax.ShapeDtypeStruct((*frame, 3), jnp.float32)
            one = jax.ShapeDtypeStruct((1, 2), jnp.int32) if masked else None

            def asked(network: Network, image: Any, extents: Any, wants: str) -> Any:
                found = self.objective.statistics(network, image, wants, extents)
                return self.objective.losses.blend([found], [1.0])

            self._planned[frame, masked] = {
                wants: jax.eval_shape(
                    functools.partial(asked, wants=wants), self._plain, image, one
                )
                for wants in ("content", "style")
            }
        return self._planned[frame, masked]

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

    def _blended(self, lane: Lane) -> dict[str, Any]:
        shares = lane.job.options.style_blend or (1.0,) * len(lane.styles)
        paintings = tuple((one.key, one.frame) for one in lane.styles)

        def blend() -> dict[str, Any]:
            found = [self._style(painting) for painting in lane.styles]
            return self.objective.losses.blend(found, shares)

        return self._once((paintings, tuple(shares)), blend)

    def _style(self, painting: Framed) -> dict[str, Any]:
        key = painting.key, painting.frame
        return self._once(key, lambda: self._statistics(painting, "style"))

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

    def _statistics(self, picture: Framed, wants: str) -> dict[str, Any]:
        extents = jnp.asarray([picture.extent], jnp.int32) if picture.masked else None
        pixels = jnp.asarray(picture.pixels)
        return targets(self.objective, self._plain, pixels, wants, extents)


def _bytes(tree: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(tree))
