"""Gram matrices and the style loss against the published formulas, in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses import gram
from nst_jax.losses.gram import Gram
from nst_jax.losses.terms import Sums
from nst_jax.losses.view import View

# Of the matrix: divided by pixels, or channels too; of the loss: times mean or sum.
FORMULAS = {
    "CHW": (True, np.mean, 1.0),
    "HW": (False, np.mean, 1.0),
    "PAPER": (False, np.mean, 0.25),
    "CAFFE": (False, np.mean, 0.25),
    "ARTICLE": (False, np.sum, 0.25),
}


def features(seed, *shape):
    # As after a ReLU: none negative, so that the sums grow.
    return np.abs(np.random.default_rng(seed).normal(0, 3, shape))


def view(values):
    values = jnp.asarray(values)
    return View(values, None, jnp.float32(values.shape[0] * values.shape[1]))


def matrix(values, per_channel, pixels=None):
    """`sum_ij F_ijk F_ijl` in float64, divided."""
    h, w, c = values.shape
    products = np.einsum("ijk,ijl->kl", np.float64(values), np.float64(values))
    return products / ((pixels or h * w) * (c if per_channel else 1))


@pytest.mark.parametrize("name", FORMULAS)
def test_numpy(name):
    per_channel, reduce, factor = FORMULAS[name]
    loss = Gram(getattr(gram, name))
    found, painting = features(0, 5, 7, 4), features(1, 6, 3, 4)
    target = loss.statistic(view(np.float32(painting)))
    np.testing.assert_allclose(
        loss.matrix(target), matrix(painting, per_channel), rtol=1e-5
    )
    own = 6 * 3 if name != "CAFFE" else 5 * 7  # By the picture's pixels alone.
    difference = matrix(found, per_channel) - matrix(painting, per_channel, own)
    got = loss.distance(loss.statistic(view(np.float32(found))), target)
    assert got == pytest.approx(factor * reduce(difference**2), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "factor"),
    {
        "HW": 1 / 9,
        "CHW": 1 / 81,
        "PAPER": 1 / 36,
        "CAFFE": 1 / 36,
        "ARTICLE": 1 / 4,
    }.items(),
)
def test_by_hand(name, factor):
    # Pixels (1, 2, 0) and (3, 4, 0): products 10, 14, 14, 20 of the first two.
    loss = Gram(getattr(gram, name))
    found = loss.statistic(view([[[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]]))
    np.testing.assert_array_equal(found.values, [[10, 14, 0], [14, 20, 0], [0, 0, 0]])
    nothing = Sums(jnp.zeros((3, 3)), found.count)
    expected = (25 + 49 + 49 + 100) * factor
    assert loss.distance(found, nothing) == pytest.approx(expected, rel=1e-6)


def test_normalized_is_a_share():
    """0 at the painting, 1 where nothing is alike, however bright both are."""
    loss, one, two = Gram(gram.NORMALIZED), features(0, 5, 6, 3), features(1, 4, 3, 3)

    def distance(values, painting):
        seen = (loss.statistic(view(np.float32(x))) for x in (values, painting))
        return float(loss.distance(*seen))

    found, wanted = matrix(one, False), matrix(two, False)
    expected = np.square(found - wanted).sum()
    expected /= np.square(found).sum() + np.square(wanted).sum()
    assert distance(one, two) == pytest.approx(expected, rel=1e-5)
    assert distance(two, one) == pytest.approx(expected, rel=1e-5)
    assert distance(9 * one, 9 * two) == pytest.approx(expected, rel=1e-5)
    assert distance(one, one) == 0
    apart = np.zeros((2, 5, 6, 3))
    apart[0, ..., 0], apart[1, ..., 1] = 1, 2
    assert distance(*apart) == 1
    assert distance(0 * one, two) == pytest.approx(1)
    assert distance(0 * one, 0 * two) == 0


def test_paper_is_equation_4_where_both_pictures_have_one_size():
    found, painting = features(0, 5, 6, 3), features(1, 5, 6, 3)
    m, n = 5 * 6, 3
    total = 0.0
    for i in range(n):
        for j in range(n):
            g = sum(found[..., i].ravel() * found[..., j].ravel())
            a = sum(painting[..., i].ravel() * painting[..., j].ravel())
            total += (g - a) ** 2
    loss = Gram(gram.PAPER)
    got = loss.distance(
        *(loss.statistic(view(np.float32(x))) for x in (found, painting))
    )
    assert got == pytest.approx(total / (4 * n**2 * m**2), rel=1e-4)


def test_a_blend_is_the_weighted_mean_of_matrices():
    """Of the caffe scale too, which divides by the picture's pixels, not by its own."""
    paintings = [features(1, 6, 3, 4), features(2, 2, 9, 4)]
    for name in ("HW", "CAFFE"):
        loss = Gram(getattr(gram, name))
        found = loss.statistic(view(np.float32(features(0, 5, 7, 4))))
        targets = [loss.statistic(view(np.float32(p))) for p in paintings]
        pixels = [18, 18] if name == "HW" else [35, 35]
        expected = sum(
            share * matrix(p, False, n)
            for share, p, n in zip((0.2, 0.8), paintings, pixels, strict=True)
        )
        difference = matrix(features(0, 5, 7, 4), False) - expected
        factor = 1 if name == "HW" else 0.25
        got = loss.distance(found, loss.blend(targets, (0.2, 0.8)))
        assert got == pytest.approx(factor * np.mean(difference**2), rel=1e-4)


def test_a_weight_is_that_of_the_guided_gram_matrix():
    """F^T diag(w) F over the sum of w, w = T^2 (Gatys et al. 2017, eq. 6)."""
    values, share = features(0, 5, 7, 3), np.random.default_rng(1).random((5, 7))
    seen = View(
        jnp.float32(values), jnp.float32(share**2), jnp.float32((share**2).sum())
    )
    guided = share[..., None] * values
    expected = np.einsum("ijk,ijl->kl", guided, guided) / (share**2).sum()
    loss = Gram(gram.HW)
    np.testing.assert_allclose(loss.matrix(loss.statistic(seen)), expected, rtol=1e-5)


def test_bfloat16_is_summed_in_float32():
    pixels = jnp.asarray(features(0, 40, 41, 3), jnp.bfloat16)
    found = Gram(gram.HW).statistic(view(pixels))
    assert found.values.dtype == jnp.float32
    expected = matrix(np.float64(pixels), False)
    np.testing.assert_allclose(Gram(gram.HW).matrix(found), expected, rtol=1e-5)
    # A running sum in bfloat16 stops growing: 256 + 1 is 256.
    squares = jnp.square(pixels[..., 0]).ravel()
    narrow, _ = jax.lax.scan(lambda s, x: (s + x, None), jnp.bfloat16(0), squares)
    assert narrow / squares.size < 0.8 * expected[0, 0]


def test_bright_features_of_a_large_picture_do_not_overflow():
    pixels = jnp.full((512, 512, 2), 1e4, jnp.bfloat16)
    loss = Gram(gram.HW)
    expected = float(jnp.bfloat16(1e4)) ** 2
    found = loss.matrix(loss.statistic(view(pixels)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_gradient_keeps_the_precision_that_products_are_asked_for_in():
    """Its backward pass is traced outside of the context that asks."""

    def total(x):
        with jax.default_matmul_precision("float32"):
            return Gram().distance(Gram().statistic(view(x)), Sums(jnp.eye(2), 1.0))

    text = str(jax.make_jaxpr(jax.grad(total))(jnp.ones((3, 3, 2))))
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert len(products) == 2
    assert text.count("HIGHEST") >= 2
