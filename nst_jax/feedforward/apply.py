"""What a style network makes of pictures: strength, strokes, colours, tiles."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from nst_jax.devices import memory, sharding
from nst_jax.errors import OptionsError, TooSmallError
from nst_jax.feedforward import bordered, tiles
from nst_jax.feedforward.compiled import Programs
from nst_jax.feedforward.masked import Where
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.prepared import Look, Prepared, Spent
from nst_jax.feedforward.stylizer import Style, Stylizer
from nst_jax.images import resize
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report

_SMALLEST = 16  # Pixels a side that a network needs.
_MOST = 64  # Pictures side by side.
_SMALLEST_TILE = 64
_PAINTING = 512  # Side of paintings, where the network doesn't say.


class Painter:
    """A style network with the options that it is applied by.

    Attributes:
      stylizer: the network.
      options: strength, size of strokes, colours.
      tile: height and width of tiles; None: as the memory has it.
      smooth: frames over which statistics are averaged; 1: each by itself.
      where: it is laid over the photo; None: everywhere.
      kept: the style of all pictures, `[n]`, if they share one; see `keep_style`.
      spent: seconds so far.
      programs: by which it paints.
      report: takes a line where little memory is free, once.
    """

    def __init__(
        self,
        stylizer: Stylizer,
        options: Options,
        *,
        tile: int | None = None,
        smooth: int = 1,
        where: Where | None = None,
        report: Report | None = None,
    ):
        """See the attributes.

        Raises:
          OptionsError: tiles, of a network that can't be painted in any.
        """
        self.stylizer, self.options, self.spent = stylizer, options, Spent()
        self.programs = Programs(
            stylizer, smooth=smooth, strength=options.strength, spent=self.spent
        )
        if tile and not self.exact:
            raise OptionsError("this network doesn't paint in tiles: leave out --tile")
        self.tile, self.smooth, self.where = tile, smooth, where
        self.report, self._coloring = report, options.coloring
        self._how = stylizer.network.architecture
        self._said: set[str] = set()
        self.kept: np.ndarray | None = None

    @property
    def exact(self) -> bool:
        """Whether a picture in a frame, or in tiles, is what it is alone."""
        return self.programs.exact

    def frame(self, shape: Shape) -> Shape:
        """The smallest frame of a picture, by the shape in which it is painted."""
        if not self.exact:
            return shape
        return bordered.whole(shape[0]), bordered.whole(shape[1])

    def own(self, style: Style) -> Look:
        """The look of one of the network's styles.

        Raises:
          OptionsError: a style that it hasn't.
        """
        vector = self.stylizer.vector(style)
        return Look(None if vector is None else np.asarray(vector))

    def like(self, paintings: Sequence[tuple[np.ndarray, float]]) -> Look:
        """The look of paintings, `[h, w, 3]` in [0, 1], with their shares.

        Raises:
          OptionsError: the network has styles of its own.
        """
        vector = self._mixed([(self._square(image), n) for image, n in paintings])
        kept = self._coloring.match is None
        return Look(vector, () if kept else tuple(paintings))

    def prepare(self, image: np.ndarray, look: Look) -> Prepared:
        """A photo as it is painted; needs no device.

        Args:
          image: `[h, w, 3]`, sRGB in [0, 1].
          look: what it is to be painted like.

        Raises:
          TooSmallError: a picture of which the network sees nothing.
          ImageError: one of another aspect ratio than its mask.
        """
        options = self.options
        if self.where is not None:
            self.where.check((image.shape[0], image.shape[1]))
        photo = image
        if options.longest is not None:
            photo = resize.resize_longest(image, options.longest)
        content = self._coloring.of_content(photo)
        shape = self.shape(image.shape[:2])
        small = resize.resize(content, shape)
        squares = tuple(
            (self._square(self._coloring.of_painting(painting, content)), share)
            for painting, share in look.paintings
        )
        own = None
        if self._mixes and options.strength < 1:
            own = self._square(content)
        return Prepared(photo, content, small, look, squares, own)

    def shape(self, shape: Shape) -> Shape:
        """Height and width in which a picture of some size is painted.

        Raises:
          TooSmallError: the network sees nothing of it.
        """
        height, width = shape
        if self.options.longest is not None:
            height, width = resize.fit(height, width, self.options.longest)
        if self.options.stroke_size != 1:
            longest = max(1, round(max(height, width) / self.options.stroke_size))
            height, width = resize.fit(height, width, longest)
        if min(height, width) < _SMALLEST:
            raise TooSmallError(
                f"would be painted at {width}x{height} pixels; a style network needs "
                f"{_SMALLEST} a side at least: try a larger --size"
            )
        return height, width

    def lanes(self, frame: Shape, most: int, *, mixed: bool = False) -> int:
        """How many pictures of a frame to paint side by side; 0: only in tiles.

        Args:
          frame: see `frame`.
          most: that there are, or may be.
          mixed: whether some are smaller than it.
        """
        with memory.explained():
            helping = max(1, memory.helping_pixels() // (frame[0] * frame[1]))
            wanted = min(most, helping, _MOST)
            if self._is_tiled(frame, wanted, mixed=mixed):
                return 0
            here = 1 if self.smooth > 1 or most < 2 else sharding.side_by_side(0).count
            wanted = min(wanted, math.ceil(most / here))  # Of each device.
            return here * memory.lanes_side_by_side(
                wanted,
                lambda n: self.programs.of(n * here, frame, mixed=mixed),
                self._say,
            )

    def paint(
        self,
        pictures: Sequence[Prepared],
        lanes: int,
        frame: Shape,
        *,
        mixed: bool = False,
    ) -> Any:
        """Painted pictures, in their frame; the device is still at work on them.

        Args:
          pictures: as many as lanes, or fewer.
          lanes: as `lanes` says.
          frame: that they share, multiples of 4.
          mixed: whether pictures of that frame may be smaller than it.

        Returns:
          `[lanes, *frame, 3]` float32.
        """
        with memory.explained():
            vectors = self._vectors(pictures)
            if not lanes:
                (one,) = pictures
                vector = None if vectors is None else jnp.asarray(vectors)
                network: Any = self.stylizer.network
                tile = self._tile()
                with self.spent.compiling():
                    return tiles.paint(network, one.small, vector, tile=tile)[None]
            filled = [*pictures, *[pictures[-1]] * (lanes - len(pictures))]
            images = np.stack([self._framed(one.small, frame) for one in filled])
            if vectors is not None:
                more = np.repeat(vectors[-1:], lanes - len(pictures), 0)
                vectors = np.concatenate([vectors, more])
            extents = None
            if mixed:
                shapes = [one.small.shape[:2] for one in filled]
                extents = np.array([[bordered.whole(n) for n in of] for of in shapes])
            count = len(pictures)
            return self.programs.run(images, vectors, count=count, extents=extents)

    def finish(self, prepared: Prepared, painted: np.ndarray) -> np.ndarray:
        """The result, `[h, w, 3]` float32 in [0, 1]; needs no device.

        Args:
          prepared: the photo.
          painted: what `paint` gave of it, in its frame.
        """
        height, width = prepared.small.shape[:2]
        image = painted[:height, :width]
        if prepared.small.shape != prepared.content.shape:
            change = (image - prepared.small) / 2 + 0.5
            change = resize.resize(change, prepared.content.shape[:2]) * 2 - 1
            image = np.clip(prepared.content + change, 0, 1)
        coloring = self._coloring
        if coloring.match and self.stylizer.predictor is None:
            image = coloring.match(image, prepared.content)
        image = coloring.of_result(image, prepared.photo)
        strength = self.options.strength
        if strength < 1 and not (self._mixes or self._how.blends):
            image = prepared.photo + np.float32(strength) * (image - prepared.photo)
        if self.where is not None:
            image = self.where.laid_over(image, prepared.photo)
        return image

    @property
    def _mixes(self) -> bool:
        """Whether strength is a share of the photo's own style in the vector."""
        return self.stylizer.predictor is not None and not self._how.blends

    def _framed(self, image: np.ndarray, frame: Shape) -> np.ndarray:
        return bordered.framed(image, frame) if self.exact else image

    def _square(self, image: np.ndarray) -> np.ndarray:
        predictor = self.stylizer.predictor
        side = predictor.architecture.size if predictor else None
        return resize.square(image, side or _PAINTING)

    def _mixed(self, squares: Sequence[tuple[np.ndarray, float]]) -> np.ndarray:
        found = [
            share * np.asarray(self.programs.style_of(image))
            for image, share in squares
        ]
        return np.asarray(np.sum(found, axis=0, dtype=np.float32))

    def _vectors(self, pictures: Sequence[Prepared]) -> np.ndarray | None:
        """The style of each picture, `[b, n]`."""
        found = [self._vector_of(one) for one in pictures]
        given = [vector for vector in found if vector is not None]
        return np.stack(given) if given else None

    def _vector_of(self, one: Prepared) -> np.ndarray | None:
        if self.kept is not None:
            return self.kept
        vector = self._mixed(one.squares) if one.squares else one.look.vector
        if one.own is not None and vector is not None:
            strength = np.float32(self.options.strength)
            own = np.asarray(self.programs.style_of(one.own))
            vector = own + strength * (vector - own)
        return vector

    def keep_style(self, first: Prepared) -> None:
        """Paints all pictures from now on in the style that is the first one's."""
        self.kept = self._vector_of(first)

    def _is_tiled(self, frame: Shape, lanes: int, *, mixed: bool) -> bool:
        if self.smooth > 1 or not self.exact:
            return False
        if self.tile is not None:
            return max(frame) > self.tile
        at_once = self.programs.of(1, frame, mixed=mixed) if lanes == 1 else None
        return at_once is not None and not memory.has_room(
            at_once, self._say, "in tiles, not at once"
        )

    def _tile(self) -> int:
        if self.tile is not None:
            return self.tile
        tile = memory.tile_side()
        while tile > _SMALLEST_TILE and not memory.has_room(
            # The program that needs more stands for what is seen beyond a tile.
            self.programs.of(1, (tile, tile), mixed=True),
            self._say,
            f"in tiles of {tile // 2} pixels, not of {tile}",
        ):
            tile //= 2
        return tile

    def _say(self, line: str) -> None:
        if self.report and line not in self._said:
            self.report(line)
        self._said.add(line)
