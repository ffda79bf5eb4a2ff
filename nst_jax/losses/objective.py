"""The objective of a style transfer: content, style and total variation, weighted.

`StyleObjective` is the recipe (which taps, which formulas), static and hashable;
`Targets` and `Weights` are data, traced, so that changing them recompiles nothing.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence

import jax
import jax.numpy as jnp

from nst_jax.losses.content import content_loss
from nst_jax.losses.gram import gram_matrix, style_loss
from nst_jax.losses.total_variation import total_variation

Features = Callable[[jax.Array, Collection[str]], Mapping[str, jax.Array]]
"""`(images [b, h, w, 3], taps) -> {tap: [b, h', w', c]}`."""


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
    """

    content_taps: tuple[str, ...]
    style_taps: tuple[str, ...]
    gram: str = "chw"
    tv: str = "l2"

    @property
    def taps(self) -> tuple[str, ...]:
        """Every tap needed, each once."""
        return tuple(dict.fromkeys(self.content_taps + self.style_taps))

    def content_targets(
        self, features: Features, content: jax.Array
    ) -> dict[str, jax.Array]:
        """`{tap: [h', w', c]}` of the photo `content`, `[h, w, 3]`."""
        found = features(content[None], self.content_taps)
        return {tap: found[tap][0] for tap in self.content_taps}

    def style_targets(
        self, features: Features, style: jax.Array
    ) -> dict[str, jax.Array]:
        """`{tap: [c, c]}` of the painting `style`, `[h, w, 3]`."""
        found = features(style[None], self.style_taps)
        return {
            tap: gram_matrix(found[tap][0], scale=self.gram) for tap in self.style_taps
        }

    def __call__(
        self,
        features: Features,
        image: jax.Array,
        targets: Targets,
        weights: Weights,
        extent: jax.Array | None = None,
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The total loss of `image` and its weighted terms, which add up to it.

        Args:
          features: how the network sees images.
          image: `[h, w, 3]`, sRGB in [0, 1].
          targets: from `content_targets` and `style_targets`.
          weights: one for each tap of this objective.
          extent: `[2]` int32, the part of a padded image that the total variation
            counts. `features` gives zeros elsewhere; their share in the means of the
            other terms belongs into `targets` and `weights`, see `unpadded`.

        Returns:
          `(total, {"content/<tap>": ..., "style/<tap>": ..., "total_variation": ...})`,
          float32 scalars.
        """
        found = {tap: f[0] for tap, f in features(image[None], self.taps).items()}
        terms = {}
        for tap in self.content_taps:
            loss = content_loss(found[tap], targets.content[tap])
            terms[f"content/{tap}"] = weights.content[tap] * loss
        for tap in self.style_taps:
            loss = style_loss(found[tap], targets.style[tap], scale=self.gram)
            terms[f"style/{tap}"] = weights.style[tap] * loss
        variation = total_variation(image, norm=self.tv, extent=extent)
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
