"""Regions of a picture that are painted apart, and parts of it that are kept.

Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", equations
5 and 6: a style has a Gram matrix for each region, of features weighted by its mask. So
here of any style loss: a region is a part of the objective whose view has the mask for
its weight. Weights are linear in masks, where the paper's are their squares; masks
without shades are the same.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.losses.objective import Part
from nst_jax.losses.view import View

PAINTED = "painted"
"""The mask of all that isn't kept; those of regions are called by their number."""


class Form(NamedTuple):
    """How a picture is divided, which programs have to know.

    Attributes:
      regions: whose style is compared apart; 0: that of the whole picture is.
      keeps: whether some of the photo is kept.
    """

    regions: int = 0
    keeps: bool = False


UNDIVIDED = Form()


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Kept:
    """What is kept of photos.

    Attributes:
      photos: `[n, h, w, 3]` in [0, 1].
      painted: `[n, h, w]`, the share that isn't kept.
    """

    photos: jax.Array
    painted: jax.Array

    def laid_over(self, images: jax.Array) -> jax.Array:
        """Images `[n, h, w, 3]` with the photos where those are kept.

        Losses look at them so: what is painted is made to fit what is kept.
        """
        share = self.painted[..., None]
        return share * images + (1 - share) * self.photos


def divided(parts: Iterable[Part], form: Form) -> tuple[Part, ...]:
    """The parts of an objective for pictures of a form.

    The style's are one for each region; the content's see what is painted.
    """
    found: list[Part] = []
    for part in parts:
        if part.wants == "style" and form.regions:
            found += [
                dataclasses.replace(part, name=f"{part.name}/{n}", mask=f"{n}")
                for n in range(1, form.regions + 1)
            ]
        elif part.wants == "content" and form.keeps:
            found.append(dataclasses.replace(part, mask=PAINTED))
        else:
            found.append(part)
    return tuple(found)


def of_regions(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Targets of regions, by the names of parts of a divided objective."""
    return {
        f"{name}/{n}": target
        for n, of_region in enumerate(found, 1)
        for name, target in of_region.items()
    }


def masked(
    parts: Iterable[Part], views: Mapping[str, View], masks: Mapping[str, jax.Array]
) -> dict[str, View]:
    """Views through masks, of the parts that see through one, by `Part.seen`.

    Args:
      parts: of an objective.
      views: by tap.
      masks: `[..., h, w]` by `Part.seen`, 0 outside of each picture.
    """
    found = {}
    for part in parts:
        if part.mask:
            whole = part.wants != "style"
            found[part.seen] = weighted(views[part.tap], masks[part.seen], whole=whole)
    return found


def weighted(view: View, mask: jax.Array, *, whole: bool = False) -> View:
    """A view whose weight is a mask `[..., h, w]`.

    Args:
      view: of the whole picture.
      mask: what each place counts in [0, 1], 0 outside of the picture.
      whole: sums are divided by the count of the whole picture, so that what is masked
        out counts as equal; otherwise by the mask's own. An empty mask's is 1.
    """
    count = jnp.sum(mask, axis=(-2, -1))
    count = view.count if whole else jnp.where(count > 0, count, 1)
    return View(view.features, mask, count)


def area(masks: np.ndarray) -> np.ndarray:
    """Shares of the style's weight, `[r]`: a region's of the picture's places.

    Each place is pulled as strongly as without regions; by equal shares those of small
    ones would be pulled harder, as many times as they are smaller.

    Args:
      masks: `[r, h, w]` in [0, 1], of one tap.
    """
    return masks.sum((1, 2)) / max(1, masks[0].size)


def equal(masks: np.ndarray) -> np.ndarray:
    """Equal shares, `[r]`, but none for what a tap doesn't see (Gatys et al. 2017)."""
    return np.where(masks.sum((1, 2)) > 0, 1 / len(masks), 0)
