"""The problem of a single lane, from arrays."""

from collections.abc import Sequence

import numpy as np

from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.perceptual.objective import Problem, SeenObjective
from nst_jax.transfer.following import followed
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.problem import Studio


def pose(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    options: Options,
    network: Network,
) -> tuple[SeenObjective, Problem]:
    """The optimisation problem of one photo and its paintings: a single lane.

    Args:
      content: see `pictures.lane_of`.
      styles: likewise.
      options: taps, formulas and weights are taken from here.
      network: that sees them.

    Returns:
      The objective, static, and its data; targets that follow from what a size begins
      with are those of the photo.

    Raises:
      ImageError: an array that is no picture.
    """
    studio, lane = Studio(network, options), lane_of(content, styles, options)
    assert not studio.blind(lane.content.extent)
    assert not any(studio.blind(style.extent, "style") for style in lane.styles)
    problem = studio.pose([lane])
    if studio.objective.losses.follows:
        began = np.asarray(content)[None]
        problem = followed(studio, problem, [lane], began, coarsest=True)
    return studio.objective, problem
