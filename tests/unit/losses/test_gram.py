"""Gram matrices and the style loss against the published formulas, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.gram import GRAM_SCALES, gram_matrix, style_loss

SCALES = ("chw", "hw", "paper", "caffe", "article")


def features(seed: int, *shape: int) -> np.ndarray:
    # As after a ReLU: none negative, so that the sums grow.
    return np.abs(np.random.default_rng(seed).normal(0, 3, shape))


def reference(values: np.ndarray, scale: str) -> np.ndarray:
    """`sum_ij F_ijk F_ijl` in float64, divided as `scale` says."""
    h, w, c = values.shape
    products = np.einsum("ijk,ijl->kl", np.float64(values), np.float64(values))
    return products / (c * h * w if scale == "chw" else h * w)


def test_these_are_all_scales():
    assert set(GRAM_SCALES) == set(SCALES)


@pytest.mark.parametrize(
    ("scale", "matrix", "loss"),
    [
        # Pixels (1, 2, 0) and (3, 4, 0): products 10, 14, 14, 20 of the first two.
        ("hw", [[5, 7, 0], [7, 10, 0], [0, 0, 0]], (25 + 49 + 49 + 100) / 9),
        ("paper", [[5, 7, 0], [7, 10, 0], [0, 0, 0]], (25 + 49 + 49 + 100) / 36),
        ("caffe", [[5, 7, 0], [7, 10, 0], [0, 0, 0]], (25 + 49 + 49 + 100) / 36),
        ("article", [[5, 7, 0], [7, 10, 0], [0, 0, 0]], (25 + 49 + 49 + 100) / 4),
        (
            "chw",
            [[5 / 3, 7 / 3, 0], [7 / 3, 10 / 3, 0], [0, 0, 0]],
            (25 + 49 + 49 + 100) / 81,
        ),
    ],
)
def test_by_hand(scale, matrix, loss):
    pixels = jnp.array([[[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]])
    found = gram_matrix(pixels, scale=scale)
    np.testing.assert_allclose(found, matrix, rtol=1e-6)
    assert style_loss(pixels, jnp.zeros((3, 3)), scale=scale) == pytest.approx(
        loss, rel=1e-6
    )
    assert style_loss(pixels, found, scale=scale) == 0


def test_the_default_scale_is_chw():
    pixels = np.float32(features(0, 3, 4, 5))
    np.testing.assert_allclose(gram_matrix(pixels), reference(pixels, "chw"), rtol=1e-5)
    np.testing.assert_array_equal(
        style_loss(pixels, jnp.zeros((5, 5))),
        style_loss(pixels, jnp.zeros((5, 5)), scale="chw"),
    )


@pytest.mark.parametrize("scale", SCALES)
def test_numpy(scale):
    found, painting = features(0, 5, 7, 4), features(1, 6, 3, 4)
    target = gram_matrix(jnp.float32(painting), scale=scale)
    assert target.dtype == jnp.float32
    np.testing.assert_allclose(target, reference(painting, scale), rtol=1e-5)
    loss = style_loss(jnp.float32(found), target, scale=scale)
    difference = reference(found, scale) - reference(painting, scale)
    quarter = 1 / 4 if scale != "article" else 16 / 4  # 16 entries, added up.
    factor = {"chw": 1, "hw": 1}.get(scale, quarter)
    assert loss == pytest.approx(factor * np.mean(difference**2), rel=1e-4)


def test_paper_is_equation_4_where_both_pictures_have_one_size():
    found, painting = features(0, 5, 6, 3), features(1, 5, 6, 3)
    m, n = 5 * 6, 3
    total = 0.0
    for i in range(n):
        for j in range(n):
            g = sum(found[..., i].ravel() * found[..., j].ravel())
            a = sum(painting[..., i].ravel() * painting[..., j].ravel())
            total += (g - a) ** 2
    target = gram_matrix(jnp.float32(painting), scale="paper")
    loss = style_loss(jnp.float32(found), target, scale="paper")
    assert loss == pytest.approx(total / (4 * n**2 * m**2), rel=1e-4)


@pytest.mark.parametrize("scale", SCALES)
def test_the_size_of_the_painting_does_not_matter(scale):
    pixels = np.float32(features(0, 4, 5, 3))
    tiled = np.tile(pixels, (3, 2, 1))
    np.testing.assert_allclose(
        gram_matrix(tiled, scale=scale), gram_matrix(pixels, scale=scale), rtol=1e-5
    )


def test_bfloat16_is_summed_in_float32():
    pixels = jnp.asarray(features(0, 40, 41, 3), jnp.bfloat16)
    expected = reference(np.float64(pixels), "hw")
    found = gram_matrix(pixels, scale="hw")
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # A running sum in bfloat16 stops growing: 256 + 1 is 256.
    squares = jnp.square(pixels[..., 0]).ravel()
    narrow, _ = jax.lax.scan(lambda s, x: (s + x, None), jnp.bfloat16(0), squares)
    assert narrow / squares.size < 0.8 * expected[0, 0]


def test_bright_features_of_a_large_picture_do_not_overflow():
    pixels = jnp.full((512, 512, 2), 1e4, jnp.bfloat16)
    expected = float(jnp.bfloat16(1e4)) ** 2
    np.testing.assert_allclose(gram_matrix(pixels, scale="hw"), expected, rtol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_gradient(scale):
    with jax.enable_x64(True):
        found, direction = features(0, 3, 4, 2), features(2, 3, 4, 2)
        target = jnp.asarray(reference(features(1, 3, 4, 2), scale))

        @jax.jit
        def loss(values):
            return style_loss(values, target, scale=scale)

        gradient = jax.grad(loss)(jnp.asarray(found))
        step = 1e-4
        slope = (loss(found + step * direction) - loss(found - step * direction)) / (
            2 * step
        )
        assert gradient.dtype == jnp.float64
        assert np.vdot(gradient, direction) == pytest.approx(float(slope), rel=1e-6)


def test_vmap_is_a_loop():
    found = np.float32(features(0, 3, 4, 5, 2))
    target = gram_matrix(np.float32(features(1, 4, 5, 2)))
    lanes = jax.vmap(style_loss, in_axes=(0, None))(found, target)
    assert lanes.shape == (3,)
    np.testing.assert_allclose(
        lanes, [style_loss(lane, target) for lane in found], rtol=1e-5
    )
