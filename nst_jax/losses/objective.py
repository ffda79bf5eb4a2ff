"""The objective of a style transfer: content, style and total variation, weighted.

`StyleObjective` is the recipe (which taps, which formulas), static and hashable;
`Targets` and `Weights` are data, traced, so that changing them recompiles nothing. All
here is about one image, and about activations, whatever network gave them.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from nst_jax.losses.content import content_loss
from nst_jax.losses.gram import GRAM_SCALES, gram_matrix, style_loss
from nst_jax.losses.total_variation import total_variation


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Targets:
    """What content and style images ask for, computed once.

    Attributes:
      content: `{tap: [h', w', c]}`, activations of the photo.
      style: `{tap: [c, c]}`, Gram matrices of the painting, or a blend of several.
    """

    content: Mapping[str, jax.Array]
    style: Mapping[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the terms, float32 scalars: by tap for content and style."""

    content: Mapping[str, jax.Array]
    style: Mapping[str, jax.Array]
    total_variation: jax.Array


@dataclasses.dataclass(frozen=True)
class StyleObjective:
    """Gatys's objective (Gatys et al. 2016, eq. 7) with total variation.

    Attributes:
      content_taps: activations compared by `content_loss`.
      style_taps: activations compared by `style_loss`.
      gram: scale of the Gram matrices, a name in `gram.GRAM_SCALES`.
      tv: norm of `total_variation`.
      tv_range: white, to `total_variation`; black is 0.
      content_loss: scale of `content_loss`.
    """

    content_taps: tuple[str, ...]
    style_taps: tuple[str, ...]
    gram: str = "chw"
    tv: str = "l2"
    tv_range: float = 1.0
    content_loss: str = "mean"

    @property
    def taps(self) -> tuple[str, ...]:
        """Every tap needed, each once."""
        return tuple(dict.fromkeys(self.content_taps + self.style_taps))

    def content_targets(
        self, activations: Mapping[str, jax.Array]
    ) -> dict[str, jax.Array]:
        """`{tap: [h', w', c]}` of the photo, of its `activations` of that kind."""
        return {tap: activations[tap] for tap in self.content_taps}

    def style_targets(
        self, activations: Mapping[str, jax.Array]
    ) -> dict[str, jax.Array]:
        """`{tap: [c, c]}` of the painting, of its activations `{tap: [h', w', c]}`."""
        return {
            tap: gram_matrix(activations[tap], scale=self.gram)
            for tap in self.style_taps
        }

    def sized(
        self, style: Mapping[str, jax.Array], larger: Mapping[str, float]
    ) -> dict[str, jax.Array]:
        """Style targets of a painting for a picture of another size.

        Args:
          style: `{tap: [c, c]}`, by the painting's own pixels.
          larger: the painting's pixels over the picture's, by tap.
        """
        own = GRAM_SCALES[self.gram].own_pixels
        return {tap: t if own else t * larger[tap] for tap, t in style.items()}

    def padded(
        self,
        style: Mapping[str, jax.Array],
        weights: Weights,
        filled: Mapping[str, float],
    ) -> tuple[dict[str, jax.Array], Weights]:
        """Style targets and weights that give a padded image the losses it has alone.

        Means over pixels count the padding, whose activations are zero: a mean content
        loss and the Gram matrices come out smaller by the filled share of the pixels.

        Args:
          style: `{tap: [c, c]}`, as for an image without padding.
          weights: likewise.
          filled: share of its pixels that an image fills, by tap.
        """
        mean = self.content_loss == "mean"
        content = {
            tap: weight / filled[tap] if mean else weight
            for tap, weight in weights.content.items()
        }
        squared = {tap: w / filled[tap] ** 2 for tap, w in weights.style.items()}
        return (
            {tap: target * filled[tap] for tap, target in style.items()},
            dataclasses.replace(weights, content=content, style=squared),
        )

    def __call__(
        self,
        activations: Mapping[str, jax.Array],
        image: jax.Array,
        targets: Targets,
        weights: Weights,
        extent: jax.Array | None = None,
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The total loss of an image and its weighted terms, which add up to it.

        Args:
          activations: `{tap: [h', w', c]}`, what a network sees in the image.
          image: `[h, w, 3]`, sRGB in [0, 1].
          targets: from `content_targets` and `style_targets`.
          weights: one for each tap of this objective.
          extent: `[2]` int32, height and width of the image in its padding, if it has
            any: the part that the total variation counts. What padding does to the
            other terms is mended in targets and weights, see `padded`.

        Returns:
          `(total, {"content/<tap>": ..., "style/<tap>": ..., "total_variation": ...})`,
          float32 scalars.
        """
        terms = {}
        for tap in self.content_taps:
            loss = content_loss(
                activations[tap], targets.content[tap], scale=self.content_loss
            )
            terms[f"content/{tap}"] = weights.content[tap] * loss
        for tap in self.style_taps:
            loss = style_loss(activations[tap], targets.style[tap], scale=self.gram)
            terms[f"style/{tap}"] = weights.style[tap] * loss
        variation = total_variation(self.tv_range * image, norm=self.tv, extent=extent)
        terms["total_variation"] = weights.total_variation * variation
        return jnp.sum(jnp.stack(list(terms.values()))), terms


def blend(
    targets: Sequence[Mapping[str, jax.Array]], shares: Sequence[float]
) -> dict[str, jax.Array]:
    """Weighted mean of several style targets: Gram matrices blend linearly.

    Args:
      targets: `{tap: [c, c]}` for each painting.
      shares: one for each painting, 0 or more; they are divided by their sum.
    """
    total = sum(shares)
    return {
        tap: sum(
            (
                (share / total) * target[tap]
                for share, target in zip(shares, targets, strict=True)
            ),
            start=jnp.zeros_like(targets[0][tap]),
        )
        for tap in targets[0]
    }
