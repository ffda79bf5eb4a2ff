"""From the pictures of lanes to the problem that they pose."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.errors import OptionsError
from nst_jax.images.frames import Shape
from nst_jax.networks.extract import Prepared, reaching
from nst_jax.networks.network import Network
from nst_jax.networks.tiles import Tiling
from nst_jax.options import Options
from nst_jax.perceptual import tiles
from nst_jax.perceptual.objective import Problem, SeenObjective, stacked
from nst_jax.perceptual.parts import loss_weights
from nst_jax.perceptual.regions import UNDIVIDED, Form, Kept, of_regions
from nst_jax.transfer import divided
from nst_jax.transfer.lanes import Lane
from nst_jax.transfer.sizes import Scale
from nst_jax.transfer.targets import Targets


class Studio:
    """Poses problems that share a network and all options but those that may vary.

    Pictures of one frame share a compiled program.

    Attributes:
      objective: static, of pictures that aren't divided; see `of_form`.
      network: prepared when the first problem is posed.
      targets: what photos and paintings ask for.
      finishing: poses those of the last pass; None: there is none.
      tile: side of the tiles in which larger pictures are seen, in pixels; 0: all are
        seen at once.
    """

    def __init__(self, network: Network, options: Options):
        """Prepares the network for the taps of `options`."""
        self._options, self.tile = options, 0
        self.objective = self.of_form(UNDIVIDED)
        taps = self.objective.losses.taps()
        self.network = Prepared(reaching(network, taps), taps)
        self._plain = self.network.plain
        self.targets = Targets(self._plain, options, self.objective)
        self._checked: dict[tuple[Shape, tuple[str, ...]], str] = {}
        self.finishing: Studio | None = None
        if options.finish_loss != "none":
            self.finishing = copy.copy(self)
            self.finishing._finish(options)

    def _finish(self, options: Options) -> None:
        """Has the losses of the last pass, and nothing of those before it."""
        last = dataclasses.replace(options, style_loss=options.finish_loss)
        self._options, self.finishing = last, None
        self._see()

    def _see(self) -> None:
        self.objective = self.of_form(UNDIVIDED)
        self.targets = Targets(self._plain, self._options, self.objective)

    def at(self, scale: Scale) -> "Studio":
        """What poses the problems of a stretch of a run."""
        return self.finishing if scale.finishing and self.finishing else self

    def of_form(self, form: Form) -> SeenObjective:
        """The objective of pictures that are divided in a way."""
        return SeenObjective.of(self._options, form, tile=self.tile)

    @property
    def whole(self) -> str:
        """A loss that can't be computed in tiles, or ""."""
        of = [studio for studio in (self, self.finishing) if studio]
        unfit = [name for one in of for name in tiles.unfit(one.objective.losses)]
        return unfit[0] if unfit else ""

    def in_tiles(self, side: int) -> "Studio":
        """One with the same network, for which larger pictures are seen in tiles.

        Args:
          side: of a tile, in pixels; 0: all pictures are seen at once.

        Raises:
          OptionsError: losses that need a picture at once.
        """
        if side and self.whole:
            raise OptionsError(
                f"tile={side}: {self.whole} needs the whole picture at once: leave out "
                "tile, or choose another loss"
            )
        found = copy.copy(self)
        found.tile = side
        found._see()
        if self.finishing:
            found.finishing = self.finishing.in_tiles(side)
        return found

    def tiling(self, shape: Shape, side: int | None = None) -> Tiling | None:
        """How a picture of a shape is cut into tiles; None: it is seen at once.

        Args:
          shape: height and width.
          side: of tiles other than these.
        """
        side = self.tile if side is None else side
        return SeenObjective.of(self._options, tile=side).tiling(self._plain, shape)

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
        wanted = [self.targets.paintings(lane) for lane in lanes]
        seeds = [lane.job.options.seed % 2**32 for lane in lanes]
        seen = self.targets.photos(lanes, parts, framed)
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
        found = self.targets.shapes(frame, masked, form)
        share = share and not form.keeps
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

    def _weights(self, lane: Lane) -> dict[str, float]:
        """The weights of undivided parts; the style loss may be that of a last pass."""
        style_loss = self._options.style_loss
        options = dataclasses.replace(lane.job.options, style_loss=style_loss)
        return loss_weights(options, max(lane.content.extent))
