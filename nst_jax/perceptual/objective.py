"""The losses that options ask for, seen through a network; and their data."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.devices.sharding import Layout
from nst_jax.losses.hypercolumn import HYPERCOLUMN, hypercolumns
from nst_jax.losses.objective import IMAGE, Objective
from nst_jax.losses.terms import Placed
from nst_jax.losses.view import View
from nst_jax.networks.borders import ZERO, Border
from nst_jax.networks.network import Look, Network
from nst_jax.networks.precision import FLOAT32, Precision
from nst_jax.networks.tiles import Tiling
from nst_jax.options import Options, chosen
from nst_jax.perceptual import tiled_targets, tiles
from nst_jax.perceptual.grey import without_colour
from nst_jax.perceptual.late import late
from nst_jax.perceptual.parts import losses
from nst_jax.perceptual.regions import (
    UNDIVIDED,
    Form,
    Kept,
    divided,
    masked,
    weighted,
)
from nst_jax.perceptual.sight import Sight
from nst_jax.perceptual.tiles import Seen, Tiled, sums_alone


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Problem:
    """The data of an objective for n lanes, traced.

    Attributes:
      network: that sees all of them.
      targets: by name of a part; leaves have a leading axis of lanes.
      shared: targets that all lanes have in common; leaves without that axis.
      weights: `{name: [n]}`.
      extents: `[n, 2]` int32, height and width of each image in its padding; None where
        none of this frame has any.
      grey: `[n]` bool, whether a picture is to have no colour; None where all may.
      masks: `{Part.seen: [n, h', w']}` of parts that look through one, 0 in padding.
      kept: what is kept of the photos; None: nothing.
      seeds: `[n]` uint32, of positions drawn anew at each step; None: none are.
    """

    network: Network
    targets: Mapping[str, Any]
    shared: Mapping[str, Any]
    weights: Mapping[str, jax.Array]
    extents: jax.Array | None = None
    grey: jax.Array | None = None
    masks: Mapping[str, jax.Array] = dataclasses.field(default_factory=dict)
    kept: Kept | None = None
    seeds: jax.Array | None = None

    def placed(self, layout: Layout) -> "Problem":
        """On the devices of a layout."""
        none: Any = None
        own = dataclasses.replace(self, network=none, shared={})
        return dataclasses.replace(
            layout.targets(own),
            network=layout.everywhere(self.network),
            shared=layout.targets(self.shared, shared=True),
        )

    def planned(self, layout: Layout) -> "Problem":
        """Shapes of what `placed` gives; no weight is copied for them."""
        if layout.single:
            return self
        shapes: Any = jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), self
        )
        return shapes.placed(layout)


@dataclasses.dataclass(frozen=True)
class SeenObjective:
    """An `Objective` seen through a network, as the engine takes it: hashable.

    Attributes:
      losses: of one picture.
      precision: of the network; here of products of float32 arrays.
      input_gain: times the image, before the network's preprocessing.
      border: what the network's convolutions see beyond a picture.
      tile: side of the tiles, in pixels, in which larger pictures are seen; 0: all are
        seen at once.
    """

    losses: Objective
    precision: Precision = FLOAT32
    input_gain: float = 1.0
    border: Border = ZERO
    tile: int = 0

    @classmethod
    def of(
        cls, options: Options, form: Form = UNDIVIDED, *, tile: int = 0
    ) -> "SeenObjective":
        """The objective that `options` ask for, of pictures of a form."""
        precision = chosen(options, "precision").here()
        border = chosen(options, "border")
        parts = divided(losses(options).parts, form)
        return cls(Objective(parts), precision, options.input_gain, border, tile)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts that a call gives."""
        return tuple(part.name for part in self.losses.parts)

    def __call__(
        self, images: jax.Array, problem: Problem, iteration: Any = 0
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Total losses `[n]` and parts `{name: [n]}` of `images`, `[n, h, w, 3]`.

        Positions that are drawn anew at each step follow from the `iteration`.
        """

        def of_lane(
            views: Any, sums: Any, targets: Any, weights: Any
        ) -> tuple[jax.Array, dict[str, jax.Array]]:
            others = tuple(p for p in self.losses.parts if p.name not in sums)
            statistics = {**Objective(others).statistics(views), **sums}
            return self.losses(statistics, {**targets, **problem.shared}, weights)

        if problem.grey is not None:
            images = without_colour(images, problem.grey)
        if problem.kept is not None:
            images = problem.kept.laid_over(images)
        if self.tiling(problem.network, images.shape[1:3]):
            return self._by_tiles(images, problem)
        with self._arithmetic():
            sums: dict[str, Any] = {}
            look = self._adding_up(problem.masks, sums)
            views = self._views(problem.network, images, problem.extents, look=look)
            views |= masked(self.losses.parts, views, problem.masks)
            if problem.seeds is not None:
                views = drawn(views, problem.seeds, iteration)
            of = views, sums, problem.targets, problem.weights
            return jax.vmap(of_lane)(*of)

    def _adding_up(self, masks: Mapping[str, jax.Array], found: dict[str, Any]) -> Look:
        """What puts in `found` the sums of parts that have such, by taps: `late`."""

        def look(tap: str, view: View) -> View:
            parts = tuple(
                p for p in self.losses.parts if p.tap == tap and sums_alone(p)
            )
            if not parts:
                return view
            views = {tap: view} | masked(parts, {tap: view}, masks)
            sums = jax.vmap(Objective(parts).statistics)(views)
            features, sums = late(view.features, sums)
            found.update(sums)
            return dataclasses.replace(view, features=features)

        return look

    def tiling(self, network: Network, shape: tuple[int, ...]) -> Tiling | None:
        """How pictures `[h, w]` of a shape are cut; None: they are seen at once."""
        if not self.tile:
            return None
        taps = tuple(dict.fromkeys(p.tap for p in tiles.of_taps(self.losses)))
        tiling = Tiling.of(network.architecture, taps, self.tile)
        return tiling if tiling.cuts((shape[0], shape[1])) else None

    def _tiled(self, network: Network, shape: tuple[int, ...], *wants: str) -> Tiled:
        tiling = self.tiling(network, shape)
        assert tiling is not None
        return Tiled(self._sight, tiles.of_taps(self.losses, *wants), tiling)

    def _by_tiles(
        self, images: jax.Array, problem: Problem
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """What a call gives, of pictures that are larger than a tile."""
        placed = {p.name for p in self.losses.parts if not sums_alone(p)}
        seen = Seen(
            problem.network,
            problem.extents,
            problem.masks,
            {name: of for name, of in problem.targets.items() if name in placed},
            {name: of for name, of in problem.shared.items() if name in placed},
        )
        sums = tiles.gathered(
            self._tiled(problem.network, images.shape[1:3]), images, seen
        )
        views = {IMAGE: View.of(images, problem.extents)}
        whole = tiles.of_image(self.losses)
        views |= masked(whole, views, problem.masks)

        def of_lane(
            views: Any, sums: Any, targets: Any, weights: Any
        ) -> tuple[jax.Array, dict[str, jax.Array]]:
            targets, found = {**targets, **problem.shared}, {}
            for part in self.losses.parts:
                target = targets.get(part.name)
                if part in whole:
                    of_part = part.term.statistic(part.view(views))
                    found[part.name] = part.term.distance(of_part, target)
                elif isinstance(part.term, Placed):
                    found[part.name] = part.term.amount(sums[part.name])
                else:
                    found[part.name] = part.term.distance(sums[part.name], target)
            return self.losses.weighed(found, weights)

        with self._arithmetic():
            return jax.vmap(of_lane)(views, sums, problem.targets, problem.weights)

    def statistics(
        self,
        network: Network,
        image: jax.Array,
        wants: str,
        extents: jax.Array | None = None,
        masks: Mapping[str, jax.Array] | None = None,
    ) -> dict[str, Any]:
        """What a photo or a painting asks for: statistics by name of a part.

        Args:
          network: that sees it.
          image: `[h, w, 3]`, sRGB in [0, 1].
          wants: "content" or "style".
          extents: `[1, 2]` int32, height and width in its padding, if it has any.
          masks: `[h', w']` by tap, of the region of a painting that counts, or of what
            of the photo is painted; None: all does.
        """
        if self.tiling(network, image.shape):
            return self._statistics_by_tiles(network, image, wants, extents, masks)
        with self._arithmetic():
            views = self.seen(network, image, wants, extents, masks)
            return self.losses.statistics(views, wants)

    def _statistics_by_tiles(
        self,
        network: Network,
        image: jax.Array,
        wants: str,
        extents: jax.Array | None,
        masks: Mapping[str, jax.Array] | None,
    ) -> dict[str, Any]:
        tiled = self._tiled(network, image.shape, wants)
        seen = Seen(network, extents)
        found = tiled_targets.statistics(tiled, image, seen, masks or {})
        own = jax.tree.map(lambda x: x[0], View.of(image[None], extents))
        if masks and IMAGE in masks:
            own = weighted(own, masks[IMAGE], whole=wants != "style")
        for part in tiles.of_image(self.losses):
            if part.wants == wants:
                found[part.name] = part.term.statistic(own)
        return found

    def seen(
        self,
        network: Network,
        image: jax.Array,
        wants: str,
        extents: jax.Array | None = None,
        masks: Mapping[str, jax.Array] | None = None,
    ) -> dict[str, View]:
        """The views of a photo or a painting, arguments as those of `statistics`."""
        with self._arithmetic():
            views = self._views(network, image[None], extents, wants)
            views = jax.tree.map(lambda x: x[0], views)
            for tap, mask in (masks or {}).items():
                views[tap] = weighted(views[tap], mask, whole=wants != "style")
            return views

    def of_photos(self, network: Network, images: jax.Array) -> dict[str, Any]:
        """What photos ask for, `[b, h, w, 3]`: leaves with a leading axis."""
        with self._arithmetic():
            views = self._views(network, images, None, "content")
            return jax.vmap(lambda v: self.losses.statistics(v, "content"))(views)

    def _views(
        self,
        network: Network,
        images: jax.Array,
        extents: jax.Array | None,
        *wants: str,
        look: Look | None = None,
    ) -> dict[str, View]:
        views = self._sight(network, images, extents, self.losses.taps(*wants), look)
        dense = [p for p in self.losses.wanting(*wants) if p.tap == HYPERCOLUMN]
        for taps in {part.column for part in dense}:
            shape = images.shape[1], images.shape[2]
            of = [views[tap] for tap in taps]
            views[HYPERCOLUMN] = hypercolumns(of, shape, extents)
        return {**views, IMAGE: View.of(images, extents)}

    @property
    def _sight(self) -> Sight:
        return Sight(self.precision.products, self.input_gain, self.border)

    def _arithmetic(self) -> Any:
        return self._sight.arithmetic()


def drawn(
    views: Mapping[str, View], seeds: jax.Array, iteration: Any
) -> dict[str, View]:
    """Views of lanes `[n, ...]`, with keys for positions of an iteration.

    They follow from `seeds`, `[n]`, and the iteration, so that a run that was stopped
    goes on as it would have; and are others at each view.
    """
    found = {}
    for number, (name, view) in enumerate(sorted(views.items())):

        def key(seed: jax.Array, number: int = number) -> jax.Array:
            of_step = jax.random.fold_in(jax.random.PRNGKey(seed), iteration)
            return jax.random.fold_in(of_step, number)

        found[name] = dataclasses.replace(view, draw=jax.vmap(key)(seeds))
    return found


@functools.partial(jax.jit, static_argnums=(0, 3))
def targets(
    objective: SeenObjective,
    network: Network,
    image: jax.Array,
    wants: str,
    extents: jax.Array | None,
    masks: Mapping[str, jax.Array] | None = None,
) -> dict[str, Any]:
    """`SeenObjective.statistics` as one program for pictures of one frame."""
    return objective.statistics(network, image, wants, extents, masks)


@functools.partial(jax.jit, static_argnums=0)
def alone(losses: Objective, found: dict[str, Any]) -> dict[str, Any]:
    """The targets of one painting: one program, where each share would ask for one."""
    return losses.blend([found], [1.0])


@jax.jit
def stacked(trees: list[Any]) -> Any:
    """Trees of arrays as one, with a leading axis; one program for all leaves."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
