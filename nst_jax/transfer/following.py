"""Targets that follow from the picture that a size begins with: neural neighbours.

Kolkin et al. 2022, "Neural Neighbor Style Transfer" (arXiv:2203.13215), section 3.2:
the photo, mixed with the picture so far, is seen as hypercolumns, and each of them
replaced by the painting's nearest. That is the target for as long as a size lasts.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.images import resize
from nst_jax.images.frames import pad
from nst_jax.losses.hypercolumn import HYPERCOLUMN
from nst_jax.losses.neighbors import Match, Sum
from nst_jax.losses.objective import Part
from nst_jax.losses.sampling import Points
from nst_jax.losses.view import View
from nst_jax.networks.network import Network
from nst_jax.perceptual.objective import Problem, SeenObjective, stacked
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.painted import Painted, paintings
from nst_jax.transfer.problem import Studio


def followed(
    studio: Studio,
    problem: Problem,
    lanes: Sequence[Lane],
    began: jax.Array,
    *,
    coarsest: bool,
) -> Problem:
    """A problem with the targets that follow from what a size begins with.

    Args:
      studio: that posed it.
      problem: from `Studio.pose`, of these lanes.
      lanes: at least one.
      began: `[n, *frame, 3]`, the picture of each.
      coarsest: whether the photo alone is matched, as nothing has been painted.
    """
    losses = studio.of_form(lanes[0].form).losses
    parts = [part for part in losses.parts if part.follows]
    images = np.asarray(jax.device_get(began))
    found: dict[int, dict[str, Points]] = {}
    for number, (lane, image) in enumerate(zip(lanes, images, strict=True)):
        if id(lane) not in found:  # Lanes are repeated to fill a program.
            picture = sought(lane, lane.content.cut(image), coarsest=coarsest)
            masks = {name: mask[number] for name, mask in problem.masks.items()}
            found[id(lane)] = _targets(studio, lane, picture, parts, masks)
    targets = {**problem.targets, **stacked([found[id(lane)] for lane in lanes])}
    return dataclasses.replace(problem, targets=targets)


def sought(lane: Lane, image: np.ndarray, *, coarsest: bool) -> np.ndarray:
    """What is matched with the painting: `[h, w, 3]`, about in [0, 1].

    `content_share` of the photo, and for the rest the picture so far with the photo's
    finest details, what halving it loses: they are looked for in the painting, but not
    where the picture begins (the public code; the paper doesn't say).
    """
    photo = lane.content.cut(lane.content.pixels)
    share = lane.job.options.content_share
    if coarsest or share == 1:
        return photo
    if lane.masks is not None:
        image = lane.masks.laid_over(image, photo)
    return share * photo + (1 - share) * (image + lane.toned(resize.details(photo)))


def _targets(
    studio: Studio,
    lane: Lane,
    picture: np.ndarray,
    parts: Sequence[Part],
    masks: Mapping[str, jax.Array],
) -> dict[str, Points]:
    """The targets of one lane by name of a part, of which each region has one."""
    shown = dataclasses.replace(
        lane.content, load=lambda: picture, key=(lane.content.key, "sought")
    )
    found = {}
    for part, painted in zip(parts, paintings(lane), strict=True):
        mask = masks[part.seen] if part.mask else None
        view = _hypercolumns(studio, shown, mask)
        chosen = [one for one in painted if one.share > 0]
        views = functools.partial(_of_painting, studio)
        total = functools.reduce(
            Sum.__add__, (_sum(views(painting)) for painting in chosen)
        )
        match = _begun(view)
        for painting in chosen:
            match = _among(match, views(painting), total)
        found[part.name] = _asked(match, view)
    return found


def _of_painting(studio: Studio, painting: Painted) -> View:
    masks = studio.targets.masks_of(painting)
    mask = None if masks is None else masks[HYPERCOLUMN]
    return _hypercolumns(studio, painting.picture, mask)


def _hypercolumns(studio: Studio, picture: Framed, mask: jax.Array | None) -> View:
    extents = jnp.asarray([picture.extent], jnp.int32) if picture.masked else None
    pixels = jnp.asarray(pad(picture.load(), picture.frame))
    return _seen(studio.objective, studio.network.fastest, pixels, extents, mask)


@functools.partial(jax.jit, static_argnums=0)
def _seen(
    objective: SeenObjective,
    network: Network,
    image: jax.Array,
    extents: jax.Array | None,
    mask: jax.Array | None,
) -> View:
    masks = None if mask is None else {HYPERCOLUMN: mask}
    return objective.seen(network, image, "style", extents, masks)[HYPERCOLUMN]


_sum = jax.jit(Sum.of)
_begun = jax.jit(Match.of)
_asked = jax.jit(Match.target)


@functools.partial(jax.jit, donate_argnums=0)
def _among(match: Match, view: View, total: Sum) -> Match:
    return match.among(view, total.mean)
