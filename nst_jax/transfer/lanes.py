"""A job at one size: its pictures in frames, and how it is divided."""

import dataclasses
import functools
from collections.abc import Callable, Hashable, Sequence

import numpy as np

from nst_jax.images import color
from nst_jax.images.frames import Shape, pad
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.perceptual.regions import Form
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.masks import Masked


@dataclasses.dataclass(frozen=True)
class Framed:
    """A picture at a size, in the top left corner of a frame that may be larger.

    Attributes:
      key: tells its pixels from those of others.
      extent: height and width of the picture.
      frame: of the frame.
      masked: whether programs for this frame have to be told the extent, as they do for
        a picture that fills a frame which others don't fill.
      load: gives the picture, `[*extent, 3]` in [0, 1].
    """

    key: Hashable
    extent: Shape
    frame: Shape
    masked: bool
    load: Callable[[], np.ndarray] = dataclasses.field(compare=False, repr=False)

    @classmethod
    def of(cls, image: np.ndarray) -> "Framed":
        """An image `[h, w, 3]` in a frame of its own size."""
        shape = image.shape[0], image.shape[1]
        return cls(Source.of(image).key, shape, shape, masked=False, load=lambda: image)

    @functools.cached_property
    def pixels(self) -> np.ndarray:
        """`[*frame, 3]` float32, zero outside of the picture; read when first asked."""
        return pad(self.load(), self.frame)

    def turned(self, quarters: int) -> "Framed":
        """The picture turned by so many quarters, counter-clockwise, in its frame."""
        if not quarters:
            return self
        extent, frame = self.extent, self.frame
        if quarters % 2:
            extent, frame = extent[::-1], frame[::-1]
        return Framed(
            (self.key, "turned", quarters),
            extent,
            frame,
            self.masked,
            lambda: np.ascontiguousarray(np.rot90(self.cut(self.pixels), quarters)),
        )

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """The part of `pixels`, `[*frame, c]`, that is the picture."""
        height, width = self.extent
        return pixels[:height, :width]


@dataclasses.dataclass(frozen=True)
class Lane:
    """A job at one size.

    Attributes:
      job: that is done.
      content: the photo as the network is to see it.
      styles: the paintings likewise, at the sizes at which their strokes count.
      photo: in its own colours, `[h, w, 3]` at the full size; None where the result
        needs none of them.
      grey: whether the result is to have no colour; see `objective.is_grey`.
      opacity: the photo's alpha channel, `[h, w]` in [0, 1] at the full size, if the
        result is to have it and it isn't opaque everywhere; else None.
      masks: how it is divided; None: not at all.
    """

    job: Job
    content: Framed
    styles: tuple[Framed, ...]
    photo: np.ndarray | None = dataclasses.field(default=None, compare=False)
    grey: bool = dataclasses.field(default=False, compare=False)
    opacity: np.ndarray | None = dataclasses.field(default=None, compare=False)
    masks: Masked | None = dataclasses.field(default=None, compare=False)

    @property
    def form(self) -> Form:
        """How it is divided, as programs have to know."""
        return Form() if self.masks is None else self.masks.form

    def toned(self, image: np.ndarray) -> np.ndarray:
        """An image `[h, w, 3]` of this lane, without colour if it is to have none."""
        return color.grey(image) if self.grey else image


def lane_of(
    content: np.ndarray, styles: Sequence[np.ndarray], options: Options
) -> Lane:
    """A lane of arrays that have their sizes and colours already.

    Args:
      content: `[h, w, 3]`, sRGB in [0, 1], at the size of the result.
      styles: each `[h', w', 3]`, at the size at which its strokes count.
      options: weights and blend are taken from here.

    Raises:
      ImageError: an array that is no picture.
    """
    sources = [Source.of(picture) for picture in (content, *styles)]
    job = Job(sources[0], tuple(sources[1:]), options)
    return Lane(job, Framed.of(content), tuple(map(Framed.of, styles)))
