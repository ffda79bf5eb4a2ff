"""Masks, and lanes whose pictures are divided."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.lanes import Lane
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.regions import Regions


def halves(height: int, width: int, share: float = 0.5) -> np.ndarray:
    """A mask `[h, w]`: white on the left, up to a share of the width."""
    mask = np.zeros((height, width), np.float32)
    mask[:, : round(share * width)] = 1
    return mask


def divided_job(
    content: np.ndarray, styles: Sequence[np.ndarray], options: Options, **masks: Any
) -> Job:
    sources = Source.of(content), tuple(map(Source.of, styles))
    return Job(*sources, options, regions=Regions.of(**masks))


def lane_of_job(job: Job) -> Lane:
    """The lane of a job alone, at its full size."""
    made = Pictures([job], {one.key: one.shape() for one in job.sources})
    return made.opened(made.lane(job, job.options.size))


def save_map(path: Path, colours: np.ndarray, labels: np.ndarray, **how: Any) -> Path:
    """Writes a picture of labels `[h, w]`, each in its colour, `[n, 3]` of 0 to 255."""
    pixels = np.asarray(colours, np.uint8)[labels]
    Image.fromarray(pixels).save(path, **how)
    return path
