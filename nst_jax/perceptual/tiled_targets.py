"""What photos and paintings that are seen tile by tile ask for."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.losses.view import View
from nst_jax.perceptual.tiles import Seen, Tiled, at, gathered, own_places, padded


def statistics(
    tiled: Tiled, image: jax.Array, seen: Seen, masks: Mapping[str, jax.Array]
) -> dict[str, Any]:
    """What one photo or painting asks for, tile by tile: statistics by name of a part.

    Args:
      tiled: of the parts that want it.
      image: `[h, w, 3]`.
      seen: by what, of one lane.
      masks: `[h', w']` by tap, as in `SeenObjective.statistics`.
    """
    images = image[None]
    adding = [part for part in tiled.parts if part.term.additive]
    found: dict[str, Any] = {}
    if adding:
        looking = tuple(
            dataclasses.replace(part, mask=_ONLY if part.tap in masks else "")
            for part in adding
        )
        through = {part.seen: masks[part.tap][None] for part in looking if part.mask}
        of_adding = dataclasses.replace(tiled, parts=looking)
        total = gathered(of_adding, images, seen._replace(masks=through))
        found |= jax.tree.map(lambda leaf: leaf[0], total)
    placed = tuple(part for part in tiled.parts if not part.term.additive)
    if placed:
        views = _assembled(dataclasses.replace(tiled, parts=placed), images, seen)
        for part in placed:
            view = views[part.tap]
            if part.tap in masks:
                mask = padded(masks[part.tap], view.features.shape[:2])
                view = View(view.features, mask, view.count)
            found[part.name] = part.term.statistic(view)
    return found


_ONLY = "only"


def _assembled(tiled: Tiled, images: jax.Array, seen: Seen) -> dict[str, View]:
    """The whole views of one image, put together of those of tiles."""
    images, seen = tiled.framed(images, seen)
    places = tiled.places(images)
    nothing = {
        tap: (
            jnp.zeros(view.features.shape, view.features.dtype),
            jnp.zeros(view.features.shape[:-1], jnp.float32),
        )
        for tap, view in tiled.shown(images, seen).items()
    }

    def put(number: jax.Array, found: Any) -> Any:
        place = jnp.asarray(places)[number]
        views = tiled.views(tiled.cut(images, place), place, seen)
        laid = {}
        for tap, view in views.items():
            stride = seen.network.architecture.stride(tap)
            first = place[:, 0] // stride
            own = own_places(view.features.shape[1:3], place, stride) > 0
            features, weight = found[tap]
            assert view.weight is not None
            laid[tap] = (
                _laid(features, view.features, own[..., None], at(0, *first, 0)),
                _laid(weight, view.weight, own, at(0, *first)),
            )
        return laid

    made = lax.fori_loop(0, len(places), put, nothing)
    padded = seen.extents is not None
    return {
        tap: View(features[0], weight[0] if padded else None, jnp.sum(weight))
        for tap, (features, weight) in made.items()
    }


def _laid(whole: jax.Array, part: jax.Array, own: jax.Array, start: Any) -> jax.Array:
    there = lax.dynamic_slice(whole, start, part.shape)
    return lax.dynamic_update_slice(whole, jnp.where(own, part, there), start)
