"""A picture that shows how a photo is divided."""

from pathlib import Path

import numpy as np

from nst_jax.images import color, files
from nst_jax.images.regions import rgb
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.sizes import settled, side

_PALETTE = np.array(
    [
        *([230, 75, 53], [77, 187, 213], [0, 160, 135], [60, 84, 136]),
        *([243, 155, 127], [132, 145, 180], [145, 209, 194], [126, 97, 72]),
    ]
)
"""Colours of regions that have none of their own."""
_STRENGTH = 0.6


def write(path: Path, job: Job) -> None:
    """Writes the photo in grey, each region in its colour; what is kept is as it is.

    Where a mask is of colours alone, what is grey is what gets others.

    Args:
      path: PNG, JPEG, WebP or TIFF by its ending.
      job: with masks.

    Raises:
      ImageError: a picture or mask that can't be read, or a file that can't be written.
    """
    files.write(path, overlay(job), description={"shows": "regions"})


def overlay(job: Job) -> np.ndarray:
    """The picture, `[h, w, 3]` float32 in [0, 1], of the size of the result.

    Raises:
      ImageError: a picture or mask that can't be read.
    """
    shapes = {one.key: one.shape() for one in job.sources}
    job = settled(job, shapes)
    pictures = Pictures([job], shapes)
    lane = pictures.opened(pictures.lane(job, side(job.options)))
    photo = lane.content.pixels if lane.photo is None else lane.photo
    if lane.masks is None:
        return photo
    grey = 0.3 + 0.7 * color.grey(photo)
    shown = grey if lane.masks.names else lane.masks.recoloured(grey, photo)
    for place, (name, mask) in enumerate(
        zip(lane.masks.names, lane.masks.regions, strict=True)
    ):
        colour = rgb(name.split()[0])
        if colour is None:
            colour = _PALETTE[place % len(_PALETTE)] / 255
        tinted = (1 - _STRENGTH) * grey + _STRENGTH * colour
        shown = shown + mask[..., None] * (tinted - grey)
    return np.asarray(np.clip(lane.masks.laid_over(shown, photo), 0, 1), np.float32)
