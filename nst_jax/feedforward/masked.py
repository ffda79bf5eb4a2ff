"""Where a painted picture is laid over its photo: masks of one pass."""

import functools

import numpy as np

from nst_jax.errors import ImageError
from nst_jax.images import color, masks
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report, Source


class Where:
    """Where pictures are painted; elsewhere they stay as they are.

    A network of one pass paints the whole picture: it is then blended with the photo.
    """

    def __init__(
        self,
        mask: Source | None = None,
        keep: Source | None = None,
        feather: float = 0.0,
        report: Report | None = None,
        *,
        color_mask: Source | None = None,
    ):
        """Reads the masks.

        Args:
          mask: white where pictures are painted; None: everywhere.
          keep: white where they are kept.
          feather: pixels of the result over which edges are softened.
          report: takes lines for the user.
          color_mask: black where they keep their colours.

        Raises:
          ImageError: a mask that can't be read, or that leaves nothing to paint.
        """
        given = [(mask, False), (keep, True)]
        self._masks = [
            (source.name, masks.read(source, report), keeps)
            for source, keeps in given
            if source is not None
        ]
        self._color = None
        if color_mask is not None:
            self._color = color_mask.name, masks.read(color_mask, report)
        self._feather = feather
        for name, pixels, keeps in self._masks:
            if (pixels.min() >= 1) if keeps else not pixels.max() > 0:
                raise ImageError(
                    f"{name}: the mask is {'white' if keeps else 'black'} everywhere: "
                    "nothing would be painted"
                )
        self.share = functools.lru_cache(8)(self._share)
        self.own = functools.lru_cache(8)(self._own)

    def check(self, shape: Shape) -> None:
        """Raises `ImageError` if a mask isn't of the aspect ratio of such a picture."""
        of_colours = [self._color] if self._color else []
        for name, pixels in [*(one[:2] for one in self._masks), *of_colours]:
            height, width = pixels.shape
            masks.check_shape(name, (height, width), shape, "the picture")

    def laid_over(self, image: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """A painted picture `[h, w, 3]` over the photo, where it is to be."""
        shape = photo.shape[0], photo.shape[1]
        own = self.own(shape)
        if own is not None:
            image = color.by_mask(image, photo, own)
        share = self.share(shape)[..., None]
        return np.asarray(share * image + (1 - share) * photo, np.float32)

    def _share(self, shape: Shape) -> np.ndarray:
        """How much of each place is painted, `[h, w]` float32 in [0, 1]."""
        share = np.ones(shape, np.float32)
        for _, pixels, keeps in self._masks:
            sized = masks.area(pixels, shape)
            share = share * (1 - sized if keeps else sized)
        return masks.feathered(share, self._feather)

    def _own(self, shape: Shape) -> np.ndarray | None:
        """Where it has colours of its own, `[h, w]` in [0, 1]; None: everywhere."""
        if self._color is None:
            return None
        return masks.feathered(masks.area(self._color[1], shape), self._feather)
