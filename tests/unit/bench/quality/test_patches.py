import numpy as np
import pytest
from support.eyes import strokes

from bench.quality.patches import Patches, distances

RNG = np.random.default_rng(0)


def brute(one, other, centre):
    nearest = []
    for a in one:
        a = a - centre
        cosines = [
            (a @ (b - centre)) / np.linalg.norm(a) / np.linalg.norm(b - centre)
            for b in other
        ]
        nearest.append(1 - max(cosines))
    return np.mean(nearest)


def cut(features):
    height, width, _ = features.shape
    return np.array(
        [
            features[y : y + 3, x : x + 3].reshape(-1)
            for y in range(height - 2)
            for x in range(width - 2)
        ]
    )


def test_they_are_the_nearest_of_all():
    one, painting = RNG.random((7, 6, 3)), RNG.random((6, 8, 3))
    a, b = cut(one), cut(painting)
    centre = b.mean(axis=0)
    coherence, completeness = distances(Patches.of(one), Patches.of(painting))
    assert coherence == pytest.approx(brute(a, b, centre), rel=1e-6)
    assert completeness == pytest.approx(brute(b, a, centre), rel=1e-6)


def test_a_picture_is_at_no_distance_from_itself():
    one = Patches.of(RNG.random((12, 12, 4)))
    assert distances(one, one) == pytest.approx((0, 0), abs=1e-9)


def test_what_is_missing_and_what_is_invented_are_told_apart():
    painting = strokes((40, 40), seed=1, length=8).astype(float)
    half = Patches.of(painting[:20])
    whole = Patches.of(painting)
    coherence, completeness = distances(half, whole)
    assert coherence < 1e-6 < completeness
    coherence, completeness = distances(whole, half)
    assert completeness < 1e-6 < coherence


def test_flips_of_both_change_nothing():
    one, painting = RNG.random((9, 8, 3)), RNG.random((8, 9, 3))
    plain = distances(Patches.of(one), Patches.of(painting))
    flipped = distances(Patches.of(one[:, ::-1]), Patches.of(painting[:, ::-1]))
    assert flipped == pytest.approx(plain, rel=1e-9)
