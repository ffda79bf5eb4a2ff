"""What the options of colour make of the pictures that go in and that come out."""

import numpy as np

from nst_jax.images import color
from nst_jax.options import Options


def of_content(photo: np.ndarray, options: Options) -> np.ndarray:
    """The photo as the network is to see it, `[h, w, 3]` in [0, 1]."""
    return color.grey(photo) if options.color == "luminance" else photo


def of_painting(
    painting: np.ndarray, content: np.ndarray, options: Options
) -> np.ndarray:
    """A painting as the network is to see it.

    Args:
      painting: `[h, w, 3]` in [0, 1].
      content: `[h', w', 3]` in [0, 1], of `of_content`.
      options: the colour's.

    Returns:
      `[h, w, 3]` in [0, 1]; `painting` itself if it keeps its colours.
    """
    if options.color == "histogram":
        return color.match_histograms(painting, content)
    if options.color == "linear":
        return color.match_linear(painting, content, options.color_linear)
    if options.color == "style":
        return painting
    if options.color_luminance == "matched":
        return color.match_luminance(painting, content)
    return color.grey(painting)


def key(options: Options) -> tuple[str, ...]:
    """What `of_painting` looks at of them; empty if paintings keep their colours."""
    if options.color == "style":
        return ()
    return options.color, options.color_luminance, options.color_linear


def of_start(start: np.ndarray, content: np.ndarray, options: Options) -> np.ndarray:
    """The picture to start from, in colours like those that are searched for.

    Args:
      start: `[h, w, 3]` in [0, 1].
      content: `[h, w, 3]` in [0, 1], of `of_content`.
      options: the colour's, and the kind of start.

    Returns:
      `[h, w, 3]` in [0, 1].
    """
    if options.init == "style":
        return of_painting(start, content, options)
    return color.grey(start) if options.color == "luminance" else start


def of_result(image: np.ndarray, photo: np.ndarray, options: Options) -> np.ndarray:
    """The optimised image as it is shown.

    Args:
      image: `[h, w, 3]` in [0, 1].
      photo: `[h, w, 3]` in [0, 1], in its own colours.
      options: the colour's.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    if options.color == "luminance":
        image = color.with_luminance(photo, image)
    if options.color_after == "histogram":
        image = color.match_histograms(image, photo)
    return image
