"""Total variation against loops in float64, and by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import total_variation
from nst_jax.losses.total_variation import TotalVariation
from nst_jax.losses.view import View

NORMS = ("L1", "L2", "L1_SUM", "L2_SUM", "L2_INNER_SUM", "NINE_POINT")


def image(seed, *shape):
    return np.random.default_rng(seed).random(shape)


@functools.partial(jax.jit, static_argnames=("norm", "white"))
def variation(pixels, norm, white=1.0):
    loss = TotalVariation(getattr(total_variation, norm), white)
    seen = View(pixels, None, jnp.float32(pixels.shape[0] * pixels.shape[1]))
    return loss.distance(loss.statistic(seen), None)


def reference(pixels, norm):
    """A neighbour at a time."""
    if norm == "NINE_POINT":
        return nine_point(pixels)
    height, width, channels = pixels.shape
    across, down = [], []
    inner = "INNER" in norm
    for y, x, c in np.ndindex(height, width, channels):
        if x + 1 < width and (y + 1 < height or not inner):
            across.append(abs(pixels[y, x + 1, c] - pixels[y, x, c]))
        if y + 1 < height and (x + 1 < width or not inner):
            down.append(abs(pixels[y + 1, x, c] - pixels[y, x, c]))
    sums = [sum(d ** int(norm[1]) for d in some) for some in (across, down)]
    if norm.endswith("SUM"):
        return sum(sums)
    return sums[0] / max(len(across), 1) + sums[1] / max(len(down), 1)


def nine_point(pixels):
    """Of the picture in a frame that repeats its border."""
    framed = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), "edge")
    total = 0
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        high, wide = framed.shape[:2]
        found = []
        for y, x in np.ndindex(high, wide):
            other = y + down, x + across
            if not (other[0] < high and 0 <= other[1] < wide):
                continue
            straight = 0 in (down, across)
            if straight and not (0 < y < high - 1 and 0 < x < wide - 1):
                continue  # From the picture's own pixels.
            found.append((framed[other] - framed[y, x]) ** 2)
        total += np.mean(found) / (3 if straight else 12)
    return 2 * total


@pytest.mark.parametrize(
    ("norm", "expected"),
    # Across 1 and 0, down 3 and 2.
    {
        **{"L1": 3, "L2": 7, "L1_SUM": 6, "L2_SUM": 14, "L2_INNER_SUM": 10},
        # 1 of 4 across, 9 + 4 down; of 9 quads along diagonals
        # 0+1+0+9+9+4+0+0+0 and 0+1+0+9+4+4+0+0+0.
        "NINE_POINT": 2 / 3 * (1 + 13) / 4 + 1 / 6 * (23 + 18) / 9,
    }.items(),
)
def test_by_hand(norm, expected):
    pixels = jnp.array([[0.0, 1.0], [3.0, 3.0]])[..., None]
    assert variation(pixels, norm) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(5, 7, 3), (4, 1, 3), (1, 6, 3), (1, 1, 2)])
def test_numpy(norm, shape):
    pixels = image(0, *shape)
    found = variation(jnp.float32(pixels), norm)
    assert (found.dtype, found.shape) == (jnp.float32, ())
    assert found == pytest.approx(reference(pixels, norm), rel=1e-5)


@pytest.mark.parametrize(("norm", "power"), [("L1", 1), ("L2", 2), ("L2_SUM", 2)])
def test_white_is_what_differences_are_measured_in(norm, power):
    pixels = jnp.float32(image(0, 4, 5, 3))
    expected = 255**power * float(variation(pixels, norm))
    assert variation(pixels, norm, white=255.0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_a_flat_picture_has_no_gradient(norm):
    for shape in ((3, 4, 3), (1, 1, 3)):
        slope = jax.jit(jax.grad(lambda x: variation(x, norm)))(jnp.full(shape, 0.5))
        assert not np.any(slope)
