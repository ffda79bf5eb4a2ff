"""Where a painted picture is laid over its photo: masks of one pass."""

import functools

import numpy as np

from nst_jax.errors import ImageError
from nst_jax.images import masks
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report, Source


class Where:
    """Where pictures are painted; elsewhere they stay as they are.

    A network of one pass paints the whole picture: it is then blended with the photo.
    """

    def __init__(
        self,
        mask: Source | None,
        keep: Source | None,
        feather: float = 0.0,
        report: Report | None = None,
    ):
        """Reads the masks.

        Args:
          mask: white where pictures are painted; None: everywhere.
          keep: white where they are kept.
          feather: pixels of the result over which edges are softened.
          report: takes lines for the user.

        Raises:
          ImageError: a mask that can't be read, or that leaves nothing to paint.
        """
        given = [(mask, False), (keep, True)]
        self._masks = [
            (source.name, masks.read(source, report), keeps)
            for source, keeps in given
            if source is not None
        ]
        self._feather = feather
        for name, pixels, keeps in self._masks:
            if (pixels.min() >= 1) if keeps else not pixels.max() > 0:
                raise ImageError(
                    f"{name}: the mask is {'white' if keeps else 'black'} everywhere: "
                    "nothing would be painted"
                )
        self.share = functools.lru_cache(8)(self._share)

    def check(self, shape: Shape) -> None:
        """Raises `ImageError` if a mask isn't of the aspect ratio of such a picture."""
        for name, pixels, _ in self._masks:
            height, width = pixels.shape
            masks.check_shape(name, (height, width), shape, "the picture")

    def laid_over(self, image: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """A painted picture `[h, w, 3]` over the photo, where it is to be."""
        share = self.share((photo.shape[0], photo.shape[1]))[..., None]
        return np.asarray(share * image + (1 - share) * photo, np.float32)

    def _share(self, shape: Shape) -> np.ndarray:
        """How much of each place is painted, `[h, w]` float32 in [0, 1]."""
        share = np.ones(shape, np.float32)
        for _, pixels, keeps in self._masks:
            sized = masks.area(pixels, shape)
            share = share * (1 - sized if keeps else sized)
        return masks.feathered(share, self._feather)
