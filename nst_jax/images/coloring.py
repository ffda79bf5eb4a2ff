"""What the options of colour make of the pictures that go in and that come out."""

import numpy as np

from nst_jax.images import color
from nst_jax.options import Options

_FORMS = {"linear": "symmetric", "linear_cholesky": "cholesky"}


def luminance_alone(options: Options) -> bool:
    """Whether light and dark are painted alone: the network sees grey pictures."""
    return options.color in ("luminance", "luminance_unmatched")


def of_content(photo: np.ndarray, options: Options) -> np.ndarray:
    """The photo as the network is to see it, `[h, w, 3]` in [0, 1]."""
    return color.grey(photo) if luminance_alone(options) else photo


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
    match options.color:
        case "luminance":
            return color.match_luminance(painting, content)
        case "luminance_unmatched":
            return color.grey(painting)
        case "histogram":
            return color.match_histograms(painting, content)
        case "linear" | "linear_cholesky":
            return color.match_linear(painting, content, _FORMS[options.color])
    return painting


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
    return color.grey(start) if luminance_alone(options) else start


def of_result(image: np.ndarray, photo: np.ndarray, options: Options) -> np.ndarray:
    """The optimised image as it is shown.

    Args:
      image: `[h, w, 3]` in [0, 1].
      photo: `[h, w, 3]` in [0, 1], in its own colours.
      options: the colour's.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    if luminance_alone(options):
        image = color.with_luminance(photo, image)
    if options.color_after == "histogram":
        image = color.match_histograms(image, photo)
    return image
