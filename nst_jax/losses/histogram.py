"""The style loss of Gram matrices and of each channel's histogram."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import jax
import numpy as np

from nst_jax.losses import terms
from nst_jax.losses.gram import NORMALIZED, Gram
from nst_jax.losses.sliced import marginals, share
from nst_jax.losses.view import View

_GRAM = Gram(NORMALIZED)


@dataclasses.dataclass(frozen=True)
class Histogram:
    """How far each channel's histogram is, and the Gram matrices are.

    Risser et al. 2017, "Stable and controllable neural texture synthesis and style
    transfer using histogram losses" (arXiv:1701.08893): the squared difference of
    features from themselves with the painting's histogram, channel by channel. What is
    matched so is the nearest with that histogram: the loss is the squared distance of
    optimal transport, and that the paper holds the match fixed in the gradient changes
    nothing. A histogram by itself doesn't see which channels go together; as in the
    paper, Gram matrices do.

    Deviations: both halves are at all style taps, as shares of the painting's, with one
    weight; 256 quantiles of at most 1024 positions stand for a histogram, and at taps
    of many positions channels see different ones.

    The statistic is the products of channels and the quantiles of each.
    """

    additive: ClassVar[bool] = False

    def statistic(self, view: View) -> dict[str, Any]:
        """`[h, w, c]` -> products `[c, c]` and quantiles `[c, 256]`."""
        channels = np.eye(view.features.shape[-1], dtype=np.float32)
        return {"gram": _GRAM.statistic(view), "each": marginals(view, channels)}

    def distance(
        self, statistic: Mapping[str, Any], target: Mapping[str, Any]
    ) -> jax.Array:
        """The sum of both."""
        together = _GRAM.distance(statistic["gram"], target["gram"])
        return together + share(statistic["each"], target["each"])

    def blend(
        self, targets: Sequence[Mapping[str, Any]], shares: Sequence[float]
    ) -> dict[str, Any]:
        """Gram matrices and quantiles between others."""
        return {
            "gram": _GRAM.blend([t["gram"] for t in targets], shares),
            "each": terms.mean([t["each"] for t in targets], shares),
        }
