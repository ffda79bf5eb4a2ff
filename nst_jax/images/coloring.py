"""The ways of colour: what each makes of the pictures that go in and come out."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from nst_jax.images import color
from nst_jax.images.recolor import recolored

Match = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""`(image, reference) -> image` in the reference's colours, `[h, w, 3]` in [0, 1]."""

Recolor = Callable[[np.ndarray, np.ndarray, Sequence[np.ndarray]], np.ndarray]
"""`(image, photo, paintings) -> image`, `[h, w, 3]` in [0, 1]."""


@dataclasses.dataclass(frozen=True)
class Coloring:
    """What a value of `Options.color` stands for.

    Attributes:
      match: brings the painting to the photo before it is looked at; None: it keeps its
        colours.
      grey: light and dark are painted alone: the network sees grey pictures, and the
        result gets the photo's colours.
      recolor: gives a result, of photo and paintings, other colours; None: it has those
        that were painted.
    """

    match: Match | None = None
    grey: bool = False
    recolor: Recolor | None = None

    def of_content(self, photo: np.ndarray) -> np.ndarray:
        """The photo as the network is to see it, `[h, w, 3]` in [0, 1]."""
        return color.grey(photo) if self.grey else photo

    def of_painting(self, painting: np.ndarray, content: np.ndarray) -> np.ndarray:
        """A painting as the network is to see it.

        Args:
          painting: `[h, w, 3]` in [0, 1].
          content: `[h', w', 3]` in [0, 1], of `of_content`.

        Returns:
          `[h, w, 3]` in [0, 1]; `painting` itself if it keeps its colours. Matched to
          a grey photo it is grey, which matching channel by channel wouldn't give.
        """
        if self.match is None:
            return painting
        if not self.grey and color.is_grey(content):
            painting, content = color.grey(painting), color.grey(content)
        return self.match(painting, content)

    def of_start(self, start: np.ndarray) -> np.ndarray:
        """A picture to start from that is neither photo nor painting."""
        return color.grey(start) if self.grey else start

    def sees_grey(self, photo: bool, painting: bool) -> bool:
        """Whether a painting is grey as the network is to see it.

        Args:
          photo: whether the photo is grey.
          painting: whether the painting is, in its own colours.
        """
        return photo if self.match else painting

    def of_result(
        self,
        image: np.ndarray,
        photo: np.ndarray,
        paintings: Sequence[np.ndarray] = (),
        *,
        after: Match | None = None,
    ) -> np.ndarray:
        """The optimised image as it is shown.

        Args:
          image: `[h, w, 3]` in [0, 1].
          photo: `[h, w, 3]` in [0, 1], in its own colours.
          paintings: that it was painted like, `[h', w', 3]` each; without any, no
            colours come from them.
          after: what brings the result to the photo once more, if anything.

        Returns:
          `[h, w, 3]` float32 in [0, 1]; grey if the photo is, and its colours are
          asked for.
        """
        if (self.match or after) and color.is_grey(photo):
            image, photo = color.grey(image), color.grey(photo)
        if self.grey:
            image = color.with_luminance(photo, image)
        if self.recolor and paintings:
            image = self.recolor(image, photo, paintings)
        return after(image, photo) if after else image


def _grey(painting: np.ndarray, content: np.ndarray) -> np.ndarray:
    return color.grey(painting)


STYLE = Coloring()
LUMINANCE = Coloring(color.match_luminance, grey=True)
LUMINANCE_UNMATCHED = Coloring(_grey, grey=True)
HISTOGRAM = Coloring(color.match_histograms)
LINEAR = Coloring(functools.partial(color.match_linear, form="symmetric"))
LINEAR_CHOLESKY = Coloring(functools.partial(color.match_linear, form="cholesky"))
NNST = Coloring(recolor=recolored)
