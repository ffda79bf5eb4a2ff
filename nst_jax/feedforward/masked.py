"""Where a painted picture is laid over its photo: masks of one pass."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.errors import ImageError, OptionsError, counted
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

    @classmethod
    def of(
        cls,
        mask: Any = None,
        keep_mask: Any = None,
        color_mask: Any = None,
        *,
        feather: float = 0.0,
        report: Report | None = None,
    ) -> "Where | None":
        """Masks as callers give them, see `images.masks.source`; None: there are none.

        Raises:
          ImageError: as from `Where`, or what is no mask.
        """
        given = (mask, keep_mask, color_mask)
        painted, kept, own = (None if g is None else masks.source(g) for g in given)
        if painted is kept is own is None:
            return None
        return cls(painted, kept, feather, report, color_mask=own)

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


def share(mask: Any, keep_mask: Any, shape: tuple[int, int, int]) -> jax.Array:
    """How much of each place of pictures is painted, for `Stylizer.__call__`.

    Args:
      mask: where they are painted: `[h, w]` or `[b, h, w]` in [0, 1], of their size
        where it is traced; or a mask as `images.masks.source` takes it; None:
        everywhere.
      keep_mask: likewise where they stay; None: nowhere.
      shape: how many pictures there are, their height and width.

    Returns:
      `[b, h, w]` float32, or `[1, h, w]` for all of them.

    Raises:
      ImageError: a mask that can't be read, or isn't of their aspect ratio.
      OptionsError: an array of another shape.
    """
    found = jnp.ones((1, *shape[1:]), jnp.float32)
    if mask is not None:
        found = found * _of_pictures("mask", mask, shape)
    if keep_mask is not None:
        found = found * (1 - _of_pictures("keep_mask", keep_mask, shape))
    return found


def _of_pictures(name: str, given: Any, shape: tuple[int, int, int]) -> jax.Array:
    size = shape[1], shape[2]
    if isinstance(given, jax.core.Tracer):
        found = given.astype(jnp.float32)
    elif _several(given, shape[0]):
        found = jnp.stack([_sized(np.asarray(one), size) for one in given])
    else:
        found = jnp.asarray(_sized(given, size))
    found = found[None] if found.ndim == 2 else found
    if found.shape not in ((1, *size), shape):
        raise OptionsError(
            f"{name} of shape {tuple(given.shape)}: give [h, w], or for "
            f"{counted(shape[0], 'picture')} [{shape[0]}, h, w]"
        )
    return found


def _several(given: Any, pictures: int) -> bool:
    """Whether a mask is an array of one for each picture, rather than one in colour."""
    of: tuple[int, ...] = getattr(given, "shape", ())
    return len(of) == 3 and (of[0] == pictures or of[-1] not in (1, 3, 4))


def _sized(given: Any, size: Shape) -> np.ndarray:
    source = masks.source(given)
    pixels = masks.read(source)
    masks.check_shape(source.name, (len(pixels), len(pixels[0])), size, "the pictures")
    return masks.area(pixels, size)
