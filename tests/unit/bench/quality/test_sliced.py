import numpy as np
import pytest

from bench.quality import sliced
from bench.quality.sliced import QUANTILES, Cloud, bank, distance, measure, places

RNG = np.random.default_rng(0)


def test_a_shift_is_seen_along_every_direction():
    points = RNG.normal(size=(16, 32, 5)).astype(np.float32)
    shift = np.array([1.0, -2, 0.5, 0, 3], np.float32)
    apart = distance(Cloud.of(points + shift), Cloud.of(points))
    along = bank(5, sliced.DIRECTIONS) @ shift
    assert apart == pytest.approx(np.sqrt(np.mean(along**2)), rel=1e-5)
    assert distance(Cloud.of(points), Cloud.of(points)) == 0


def test_equal_counts_match_in_order():
    one, two = (RNG.gamma(2, size=(QUANTILES, 1, 3)).astype(np.float32) for _ in "ab")
    expected = [
        np.mean((np.sort(one[:, 0] @ d) - np.sort(two[:, 0] @ d)) ** 2)
        for d in bank(3, sliced.DIRECTIONS)
    ]
    assert distance(Cloud.of(one), Cloud.of(two)) == pytest.approx(
        np.sqrt(np.mean(expected)), rel=1e-4
    )


def test_counts_may_differ():
    wide = 3 * RNG.normal(size=(60, 60, 1)).astype(np.float32)
    narrow = RNG.normal(size=(50, 40, 1)).astype(np.float32)
    # In one dimension it is (mean - mean)^2 + (deviation - deviation)^2 of Gaussians.
    assert distance(Cloud.of(wide), Cloud.of(narrow)) == pytest.approx(2, abs=0.15)


def test_order_doesnt_matter():
    points = RNG.random((20, 30, 4)).astype(np.float32)
    other = Cloud.of(RNG.random((25, 25, 4)).astype(np.float32))
    shuffled = RNG.permutation(points.reshape(-1, 4)).reshape(points.shape)
    for moved in (shuffled, points[::-1], points[:, ::-1]):
        found = distance(Cloud.of(moved), other)
        assert found == pytest.approx(distance(Cloud.of(points), other), rel=1e-5)


def test_units_are_the_paintings_spread():
    one, painting = (RNG.random((20, 20, 4)).astype(np.float32) for _ in "ab")
    clouds = [Cloud.of(one), Cloud.of(painting), Cloud.of(50 * one)]
    large = Cloud.of(50 * painting)
    plain = distance(clouds[0], clouds[1], measure(clouds[1]))
    assert distance(clouds[2], large, measure(large)) == pytest.approx(plain, rel=1e-4)


def test_a_flat_painting_divides_by_no_zero():
    flat = Cloud.of(np.zeros((8, 8, 3), np.float32))
    one = Cloud.of(RNG.random((8, 8, 3)).astype(np.float32))
    assert np.isfinite(distance(one, flat, measure(flat)))


def test_places_are_one_in_each_cell():
    np.testing.assert_array_equal(places((5, 7), 100), np.arange(35))
    found = places((200, 300), 600)
    rows, columns = np.divmod(found, 300)
    cells = set(zip(rows * 20 // 200, columns * 30 // 300, strict=True))
    assert (len(found), len(cells)) == (600, 600)
    np.testing.assert_array_equal(found, places((200, 300), 600))
    thin = places((2, 5000), 1000)
    assert thin.max() < 10_000
    assert len(thin) == pytest.approx(1000, abs=50)
