"""Total variation against loops in float64, and by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.total_variation import total_variation
from nst_jax.options import Options

NORMS = ("l1", "l2", "l1_sum", "l2_sum", "l2_inner_sum")


def image(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).random(shape)


def reference(pixels: np.ndarray, norm: str) -> float:
    """A neighbour at a time."""
    height, width, channels = pixels.shape
    across, down = [], []
    inner = "inner" in norm
    for y, x, c in np.ndindex(height, width, channels):
        if x + 1 < width and (y + 1 < height or not inner):
            across.append(abs(pixels[y, x + 1, c] - pixels[y, x, c]))
        if y + 1 < height and (x + 1 < width or not inner):
            down.append(abs(pixels[y + 1, x, c] - pixels[y, x, c]))
    power = int(norm[1])
    sums = [sum(d**power for d in differences) for differences in (across, down)]
    if norm.endswith("sum"):
        return sum(sums)
    return sums[0] / max(len(across), 1) + sums[1] / max(len(down), 1)


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        # Across 1 and 0, down 3 and 2.
        ("l1", 0.5 + 2.5),
        ("l2", 0.5 + 6.5),
        ("l1_sum", 1 + 5),
        ("l2_sum", 1 + 13),
        ("l2_inner_sum", 1 + 9),
    ],
)
def test_by_hand(norm, expected):
    pixels = jnp.array([[0.0, 1.0], [3.0, 3.0]])[..., None]
    assert total_variation(pixels, norm=norm) == expected


def test_the_options_offer_these_norms():
    field = Options.__dataclass_fields__["tv"]
    assert field.metadata["choices"] == NORMS


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(5, 7, 3), (4, 1, 3), (1, 6, 3), (1, 2, 1)])
def test_numpy(norm, shape):
    pixels = image(0, *shape)
    found = total_variation(jnp.float32(pixels), norm=norm)
    assert found.dtype == jnp.float32
    assert found.shape == ()
    assert found == pytest.approx(reference(pixels, norm), rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_one_pixel_has_no_variation_and_no_gradient(norm):
    pixel = jnp.full((1, 1, 3), 0.5)
    value, gradient = jax.jit(
        jax.value_and_grad(lambda x: total_variation(x, norm=norm))
    )(pixel)
    assert value == 0
    assert not np.any(gradient)


@pytest.mark.parametrize("norm", NORMS)
def test_a_side_of_one_pixel_has_no_variation_along_it(norm):
    column = jnp.float32(image(0, 5, 1, 3))
    wide = jnp.tile(column, (1, 4, 1))
    # Of the four equal columns, the last has no differences down that count.
    scale = {"l2_inner_sum": 3}.get(norm, 4 if norm.endswith("sum") else 1)
    if norm == "l2_inner_sum":
        column = jnp.tile(column, (1, 2, 1))
    assert total_variation(wide, norm=norm) == pytest.approx(
        scale * float(total_variation(column, norm=norm)), rel=1e-5
    )
    assert total_variation(jnp.full((1, 4, 3), 0.3), norm=norm) == 0


@pytest.mark.parametrize("norm", NORMS)
def test_a_flat_picture_has_no_gradient(norm):
    flat = jnp.full((3, 4, 3), 0.5)
    assert not np.any(jax.jit(jax.grad(lambda x: total_variation(x, norm=norm)))(flat))


@pytest.mark.parametrize("norm", NORMS)
def test_gradient(norm):
    with jax.enable_x64(True):
        pixels, direction = image(0, 4, 5, 3), image(1, 4, 5, 3) - 0.5

        @jax.jit
        def loss(values):
            return total_variation(values, norm=norm)

        gradient = jax.grad(loss)(jnp.asarray(pixels))
        step = 1e-6
        slope = (loss(pixels + step * direction) - loss(pixels - step * direction)) / (
            2 * step
        )
        assert np.vdot(gradient, direction) == pytest.approx(float(slope), rel=1e-6)


def test_vmap_is_a_loop():
    lanes = np.float32(image(0, 3, 4, 5, 3))
    np.testing.assert_allclose(
        jax.vmap(total_variation)(lanes),
        [total_variation(lane) for lane in lanes],
        rtol=1e-6,
    )


# The part of a padded picture.


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("extent", [(5, 7), (3, 7), (5, 1), (1, 4), (1, 1), (2, 2)])
@pytest.mark.parametrize("around", ["zeros", "noise"])
def test_only_the_extent_counts(norm, extent, around):
    height, width = extent
    part = np.float32(image(0, height, width, 3))
    frame = np.zeros((5, 7, 3)) if around == "zeros" else 9 * image(1, 5, 7, 3)
    frame = np.float32(frame)
    frame[:height, :width] = part

    @jax.jit
    def variation(pixels, extent):
        return total_variation(pixels, norm=norm, extent=extent)

    value, slope = jax.value_and_grad(variation)(frame, jnp.array(extent, jnp.int32))
    assert value == pytest.approx(reference(part, norm), rel=1e-5, abs=1e-7)
    expected = jax.grad(lambda x: total_variation(x, norm=norm))(jnp.asarray(part))
    np.testing.assert_allclose(slope[:height, :width], expected, rtol=1e-5, atol=1e-7)
    assert not np.any(slope[height:])
    assert not np.any(slope[:, width:])


@pytest.mark.parametrize("norm", NORMS)
def test_lanes_have_extents_of_their_own(norm):
    lanes = np.float32(image(0, 3, 4, 5, 3))
    extents = jnp.array([[4, 5], [2, 5], [3, 2]], jnp.int32)
    found = jax.vmap(lambda x, e: total_variation(x, norm=norm, extent=e))(
        lanes, extents
    )
    expected = [
        reference(lane[:height, :width], norm)
        for lane, (height, width) in zip(lanes, np.array(extents), strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
