"""Frames of a clip painted steadily: less of what flickers.

Two things flicker. The statistics that instance normalisation divides by change with
each frame: they are averaged over a window of frames (as Ulyanov et al. 2016 would of a
batch; Wang et al. 2020, arXiv:2003.02092, share them globally). And noise of the camera
becomes other strokes: each pixel is averaged with the frame before, there where that
shows the same, which is looked for in the photos by block matching.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.feedforward.stylizer import Network
from nst_jax.feedforward.transformer import Statistics

_SHARE = 0.7  # Of the frame before in a pixel that shows the same.
_ALIKE = 0.04  # Difference of luminance, of 1, at which it is a third of that.
_FAR = 4  # Pixels that something may move between two frames.
_BLOCK = 7  # Pixels a side that are compared.
_CUT = 0.2  # Mean difference of two frames that show another scene.
_STILL = 0.9  # A move has to match so much better than none.
_LUMA = (0.299, 0.587, 0.114)

State = dict[str, Any]
"""What is known of earlier frames: own statistics of each layer, `[n - 1, c]` each,
the number of the scene of each, the last photo, the last painted picture."""


def start(
    network: Network,
    frame: tuple[int, int],
    style: jax.ShapeDtypeStruct | None,
    window: int,
) -> State:
    """The state before the first frame.

    Args:
      network: that is to paint.
      frame: height and width.
      style: of one frame, as the network takes it.
      window: frames whose statistics are averaged.
    """
    kept, channels = window - 1, {}

    def note(name: str, own: Statistics) -> Statistics:
        channels[name] = own[0].shape[-1]
        return own

    painter: Any = network
    image = jax.ShapeDtypeStruct((1, *frame, 3), jnp.float32)
    jax.eval_shape(lambda x, s: painter(x, s, statistics=note), image, style)
    return {
        "layers": {
            name: (jnp.zeros((kept, count)),) * 2 for name, count in channels.items()
        },
        "scenes": jnp.full((kept,), -1, jnp.int32),
        "photo": jnp.full((*frame, 3), -1.0),
        "painted": jnp.zeros((*frame, 3)),
    }


def paint(
    network: Network,
    images: jax.Array,
    style: jax.Array | None,
    state: State,
    count: jax.Array | int,
    *,
    window: int,
    **how: Any,
) -> tuple[jax.Array, State]:
    """Painted frames, and the state after them.

    Args:
      network: that paints.
      images: `[b, h, w, 3]`, frames in a row, sRGB in [0, 1].
      style: `[b, n]`, as the network takes it.
      state: after the frames before.
      count: of frames that are new; those after them only fill the program.
      window: frames whose statistics are averaged, those before and itself.
      how: what else the network takes.

    Returns:
      `[b, h, w, 3]` float32 in [0, 1], and the state.
    """
    scenes = _scenes(images, state)
    known, layers = jnp.concatenate([state["scenes"], scenes]), {}
    # Of each frame: itself and those before it, if they are of its scene.
    seen = jnp.arange(len(images))[:, None] + jnp.arange(window)
    weights = (known[seen] == scenes[:, None]).astype(jnp.float32)
    weights = (weights / weights.sum(1, keepdims=True))[..., None]

    def kept(known: jax.Array) -> jax.Array:
        return lax.dynamic_slice_in_dim(known, count, window - 1)

    own: dict[str, Statistics] = {}

    def noted(name: str, found: Statistics) -> Statistics:
        own[name] = found
        return found

    # What each frame's statistics are by themselves: averaged layer by layer as they
    # come, those of later layers would be of frames that earlier ones had shifted, and
    # swing on for many frames.
    painter: Any = network
    painter(images, style, statistics=noted, **how)
    used = {}
    for name, found in own.items():
        # Variances are averaged as they are: that of all frames' pixels together would
        # count a change of the mean as contrast.
        both = [
            jnp.concatenate([before, now])
            for before, now in zip(state["layers"][name], found, strict=True)
        ]
        layers[name] = tuple(kept(part) for part in both)
        mean, variance = ((part[seen] * weights).sum(1) for part in both)
        used[name] = mean, variance
    painted = painter(images, style, statistics=lambda name, found: used[name], **how)
    before = state["photo"], state["painted"], state["scenes"][-1]
    _, steady = lax.scan(_filtered, before, (images, painted, scenes))
    after = {
        "layers": layers,
        "scenes": kept(known),
        "photo": images[count - 1],
        "painted": steady[count - 1],
    }
    return steady, after


def _scenes(images: jax.Array, state: State) -> jax.Array:
    """The number of each frame's scene: one more after a cut."""
    before = jnp.concatenate([state["photo"][None], images[:-1]])
    cuts = jnp.abs(images - before).mean((1, 2, 3)) > _CUT
    return state["scenes"][-1] + jnp.cumsum(cuts.astype(jnp.int32))


def _filtered(
    before: tuple[jax.Array, jax.Array, jax.Array],
    now: tuple[jax.Array, jax.Array, jax.Array],
) -> tuple[tuple[jax.Array, jax.Array, jax.Array], jax.Array]:
    """A frame averaged with the one before, moved to where it shows the same."""
    (photo, painted, scene), (image, fresh, scene_now) = before, now
    apart, moved = _matched(image, photo, painted)
    share = _SHARE * jnp.exp(-((apart / _ALIKE) ** 2)) * (scene == scene_now)
    steady = fresh + share[..., None] * (moved - fresh)
    return (image, steady, scene_now), steady


def _matched(
    image: jax.Array, photo: jax.Array, painted: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """How unlike the best match in the photo before is, and what was painted there.

    Returns:
      `[h, w]`, mean difference of luminance over a block; `[h, w, 3]`.
    """
    luma = jnp.asarray(_LUMA)
    light, dark = image @ luma, jnp.pad(photo @ luma, _FAR, "edge")
    height, width = light.shape

    def unlike(place: jax.Array) -> jax.Array:
        there = lax.dynamic_slice(dark, place, (height, width))
        return _blurred(jnp.abs(light - there))

    def better(best: tuple[jax.Array, jax.Array], number: jax.Array) -> Any:
        found = unlike(jnp.stack(jnp.divmod(number, side)))
        nearer = found < best[0]
        return (
            jnp.where(nearer, found, best[0]),
            jnp.where(nearer, number, best[1]),
        ), None

    side = 2 * _FAR + 1
    still = unlike(jnp.array([_FAR, _FAR]))
    first = _STILL * still, jnp.full(light.shape, _FAR * side + _FAR)
    (apart, where), _ = lax.scan(better, first, jnp.arange(side**2))
    down, across = jnp.divmod(where, side)
    rows = jnp.clip(jnp.arange(height)[:, None] + down - _FAR, 0, height - 1)
    columns = jnp.clip(jnp.arange(width) + across - _FAR, 0, width - 1)
    return apart, painted[rows, columns]


def _blurred(values: jax.Array) -> jax.Array:
    """The mean over blocks of `[h, w]`."""
    around = _BLOCK // 2
    padded = jnp.pad(values, around, "edge")
    for window in ((_BLOCK, 1), (1, _BLOCK)):
        padded = lax.reduce_window(padded, 0.0, lax.add, window, (1, 1), "VALID")
    return padded / _BLOCK**2
