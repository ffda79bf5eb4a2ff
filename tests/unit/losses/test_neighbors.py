"""What is chosen for places of a picture, against loops; and its loss."""

import functools

import jax
import numpy as np
import pytest
from jax import numpy as jnp

from nst_jax.losses.neighbors import Match, Neighbors, Sum
from nst_jax.losses.view import View

RNG = np.random.default_rng(0)


def view(values, weight=None):
    count = values[..., 0].size if weight is None else weight.sum()
    weight = None if weight is None else jnp.float32(weight)
    return View(jnp.float32(values), weight, jnp.float32(count))


def features(height, width, channels=6):
    return RNG.random((height, width, channels), np.float32)


@jax.jit
def matched(picture, paintings):
    total = functools.reduce(Sum.__add__, map(Sum.of, paintings))
    match = Match.of(picture)
    for painting in paintings:
        match = match.among(painting, total.mean)
    return match


def centred(values):
    values = np.float64(values) - np.float64(values).mean(0)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_brute_force_over_the_union_of_paintings():
    picture, paintings = features(5, 10), [features(6, 4), features(4, 9)]
    flat = np.concatenate([one.reshape(-1, 6) for one in paintings])
    nearest = (centred(picture.reshape(-1, 6)) @ centred(flat).T).argmax(1)
    found = matched(view(picture), [view(one) for one in paintings])
    np.testing.assert_array_equal(found.found, flat[nearest])


def test_what_is_painted_already_chooses_itself():
    picture = features(5, 10)
    match = matched(view(picture), [view(picture)])
    np.testing.assert_array_equal(match.found, picture.reshape(-1, 6))
    loss = Neighbors()
    target = match.target(view(picture))
    assert loss.distance(loss.statistic(view(picture)), target) < 1e-6


def test_the_order_of_places_of_a_painting_changes_nothing():
    picture, painting = features(5, 10), features(6, 10)
    shuffled = RNG.permutation(painting.reshape(-1, 6)).reshape(painting.shape)
    found, other = (matched(view(picture), [view(p)]) for p in (painting, shuffled))
    np.testing.assert_array_equal(found.found, other.found)


def test_only_what_counts_is_matched_and_chosen():
    picture, painting = features(5, 10), features(6, 10)
    inner = slice(1, 4), slice(2, 7)
    masks = [np.zeros(one.shape[:2]) for one in (picture, painting)]
    for mask in masks:
        mask[inner] = 1
    found = matched(view(picture, masks[0]), [view(painting, masks[1])])
    alone = matched(view(picture[inner]), [view(painting[inner])])
    there = np.asarray(found.found).reshape(picture.shape)[inner]
    np.testing.assert_array_equal(there.reshape(-1, 6), alone.found)


def test_the_loss_is_the_mean_angle():
    one, two = features(5, 10), features(5, 10)
    lengths = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (one, two)]
    expected = np.mean(1 - np.sum(one / lengths[0] * two / lengths[1], axis=-1))
    loss = Neighbors()
    found = loss.distance(loss.statistic(view(3 * one)), loss.statistic(view(two)))
    assert found == pytest.approx(expected, rel=1e-4)
