"""Divided objectives: views through masks, their losses and gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.classic import classic

from nst_jax.losses.content import Content, HalfSum, Share
from nst_jax.losses.gram import HW, Gram
from nst_jax.losses.view import View
from nst_jax.losses.wasserstein import W2
from nst_jax.options import FIELDS, Options, chosen
from nst_jax.perceptual import regions
from nst_jax.perceptual.parts import losses
from nst_jax.perceptual.parts import term as made
from nst_jax.perceptual.regions import Form

RNG = np.random.default_rng(0)
FEATURES = RNG.random((6, 7, 3), np.float32)
OTHERS = RNG.random((6, 7, 3), np.float32)
MASK = RNG.random((6, 7), np.float32)
MASK[:, 4:] = 0
SLOW_W2 = pytest.param(W2(), marks=pytest.mark.slow, id="w2")


def view(features, mask=None, *, whole=False) -> View:
    found = View(jnp.asarray(features), None, jnp.float32(features[..., 0].size))
    if mask is None:
        return found
    return regions.weighted(found, jnp.asarray(mask), whole=whole)


def loss(term, features, mask):
    target = term.blend([term.statistic(view(OTHERS))], [1.0])
    return term.distance(term.statistic(view(features, mask)), target)


@pytest.mark.parametrize("term", [pytest.param(Gram(HW), id="gram"), SLOW_W2])
def test_nothing_outside_of_a_mask_pulls_or_is_pulled(term):
    pull = jax.jit(jax.grad(lambda features: loss(term, features, MASK)))
    gradient = pull(FEATURES)
    np.testing.assert_array_equal(np.asarray(gradient)[:, 4:], 0)
    assert np.abs(gradient[:, :4]).min() > 0
    changed = FEATURES.copy()
    changed[:, 4:] = 9 * OTHERS[:, 4:]
    assert loss(term, changed, MASK) == loss(term, FEATURES, MASK)


@pytest.mark.parametrize("term", [pytest.param(Gram(HW), id="gram"), SLOW_W2])
def test_a_darker_mask_asks_for_the_same(term):
    expected = loss(term, FEATURES, MASK)
    np.testing.assert_allclose(loss(term, FEATURES, 0.3 * MASK), expected, rtol=1e-4)


def test_the_gram_matrix_of_a_region():
    """Gatys et al. 2017, eq. 5 and 6, with weights in place of squared guides."""
    flat, weight = FEATURES.reshape(-1, 3).astype(float), MASK.reshape(-1).astype(float)
    expected = (flat.T * weight) @ flat / weight.sum()
    found = Gram(HW).matrix(Gram(HW).statistic(view(FEATURES, MASK)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("term", [Content(), HalfSum(), Share()])
def test_the_content_of_what_is_painted_is_a_part_of_the_whole(term):
    target = term.statistic(view(OTHERS))
    parts = [
        term.distance(term.statistic(view(FEATURES, mask, whole=True)), target)
        for mask in (MASK, 1 - MASK)
    ]
    whole = term.distance(term.statistic(view(FEATURES)), target)
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-5)


EVERY = [
    pytest.param(
        made(chosen(Options(style_loss=name), "style_loss"), Options()),
        id=name,
        marks=[] if name == "gram" else pytest.mark.slow,
    )
    for name in FIELDS["style_loss"].metadata["choices"]
]


@pytest.mark.parametrize("term", EVERY)
def test_an_empty_mask_is_no_number_that_is_none(term):
    empty = np.zeros((6, 7), np.float32)
    both = jax.jit(jax.value_and_grad(lambda features: loss(term, features, empty)))
    value, gradient = both(FEATURES)
    assert np.isfinite(value)
    np.testing.assert_array_equal(gradient, 0)


def test_what_is_kept_is_laid_over():
    photos, painted = jnp.asarray(OTHERS)[None], jnp.asarray(MASK)[None]
    found = regions.Kept(photos, painted).laid_over(jnp.asarray(FEATURES)[None])[0]
    expected = MASK[..., None] * FEATURES + (1 - MASK[..., None]) * OTHERS
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(found[:, 4:], OTHERS[:, 4:])


def test_parts_of_a_divided_objective():
    options = classic(content_taps=("relu2_1",), style_taps=("relu1_1", "relu3_1"))
    plain = losses(options).parts
    assert regions.divided(plain, Form()) == plain
    found = regions.divided(plain, Form(2, keeps=True))
    assert [(part.name, part.seen) for part in found] == [
        ("content/relu2_1", "relu2_1/painted"),
        ("style/relu1_1/1", "relu1_1/1"),
        ("style/relu1_1/2", "relu1_1/2"),
        ("style/relu3_1/1", "relu3_1/1"),
        ("style/relu3_1/2", "relu3_1/2"),
        ("total_variation", "image"),
    ]


def test_shares_of_the_weight():
    masks = np.stack([MASK, np.zeros_like(MASK), np.ones_like(MASK)])
    np.testing.assert_allclose(regions.area(masks), [MASK.mean(), 0, 1], rtol=1e-6)
    np.testing.assert_allclose(regions.equal(masks), [1 / 3, 0, 1 / 3])
