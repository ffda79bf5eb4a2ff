"""Pictures that are to have no colour, as nothing that they are to be like has any."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from nst_jax.options import Options, chosen
from nst_jax.perceptual.parts import loss_weights
from nst_jax.perceptual.regions import UNDIVIDED, Form


def without_colour(images: jax.Array, grey: jax.Array) -> jax.Array:
    """Images `[n, h, w, 3]`, those that are `grey`, `[n]`, by the mean of the channels.

    Networks aren't symmetric in their channels: where nothing asks for colour, losses
    fall by it all the same. Looked at so, an image has a gradient that is the same for
    all channels, and what is grey stays so, whatever the solver.
    """
    means = jnp.mean(images, axis=-1, keepdims=True)
    return jnp.where(grey[:, None, None, None], means, images)


def is_grey(
    options: Options,
    photo: bool,
    paintings: Sequence[bool],
    form: Form = UNDIVIDED,
) -> bool:
    """Whether a result is to have no colour: nothing that it is to be like has any.

    That is the photo, if the content has weight, the picture starts from it, or some of
    it is kept, and the paintings that have weight and a share, in the colours in which
    they are seen.

    Args:
      options: of the result.
      photo: whether the photo has no colour.
      paintings: likewise, of each in its own colours.
      form: how the picture is divided: where it is, each painting has its region,
        whatever its share; and whether some of the photo is kept.
    """
    shares = (1.0,) * len(paintings)
    if options.style_blend and not form.regions:
        shares = options.style_blend
    grey = all(g for g, share in zip(paintings, shares, strict=True) if share > 0)
    weights = loss_weights(options)
    asked = {name.split("/")[0] for name, weight in weights.items() if weight > 0}
    seen = []
    starts = options.init in ("content", "details")
    if "content" in asked or starts or form.keeps:
        seen.append(photo)
    if options.init == "details":
        seen.append(grey)
    if "style" in asked:
        seen.append(chosen(options, "color").sees_grey(photo, grey))
    return bool(seen) and all(seen)
