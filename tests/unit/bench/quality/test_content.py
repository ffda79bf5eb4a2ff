import numpy as np
import pytest
from support.eyes import scene, strokes

from bench.quality import content

RNG = np.random.default_rng(0)


def test_self_similarity_is_the_papers():
    one = np.array([(0, 0), (1, 0), (0, 2), (3, 1)]).reshape(2, 2, 2) + 1
    two = np.array([(0, 1), (2, 0), (1, 1), (2, 2)]).reshape(2, 2, 2) + 1
    found = content.apart(content.self_similarity(one), content.self_similarity(two))
    assert found == pytest.approx(1.2050338387, rel=1e-9)


def test_it_sees_no_turn_and_no_scale_of_all_features():
    features = RNG.normal(size=(9, 8, 6))
    turn, _ = np.linalg.qr(RNG.normal(size=(6, 6)))
    plain = content.self_similarity(features)
    turned = content.self_similarity(3 * features @ turn)
    assert content.apart(turned, plain) == pytest.approx(0, abs=1e-12)
    moved = content.self_similarity(np.roll(features, 1, axis=0))
    assert content.apart(moved, plain) > 0.1


def test_large_maps_are_seen_at_a_grid():
    found = content.self_similarity(RNG.random((100, 50, 3)))
    assert found.shape == (32 * 32, 32 * 32)
    assert content.self_similarity(RNG.random((10, 50, 3))).shape == (320, 320)


def ssim(one, other, span):
    """By the formula, window by window; beyond the border maps are mirrored."""
    reach = np.arange(-6, 7)
    line = np.exp(-(reach**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    maps = [np.pad(m, 6, mode="symmetric") for m in (one, other)]
    dark, flat = (0.01 * span) ** 2, (0.03 * span) ** 2
    found = []
    for row, column in np.ndindex(one.shape):
        a, b = (m[row : row + 13, column : column + 13] for m in maps)
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a = (window * (a - mean_a) ** 2).sum()
        var_b = (window * (b - mean_b) ** 2).sum()
        both = (window * (a - mean_a) * (b - mean_b)).sum()
        found.append(
            (2 * mean_a * mean_b + dark)
            * (2 * both + flat)
            / ((mean_a**2 + mean_b**2 + dark) * (var_a + var_b + flat))
        )
    return np.mean(found)


def test_edges_are_compared_by_structural_similarity():
    photo = content.edges(scene((48, 56)))
    other = content.edges(strokes((48, 56), seed=1, length=9))
    assert photo.shape == (24, 28)
    expected = 1 - ssim(other, photo, photo.max())
    assert content.unlike(other, photo) == pytest.approx(expected, rel=1e-6)
    assert content.unlike(photo, photo) == pytest.approx(0, abs=1e-12)


def test_edges_stay_under_a_change_of_brightness():
    photo = scene((64, 80))
    edges = content.edges(photo)
    assert content.unlike(content.edges(0.8 * photo + 0.1), edges) < 0.1
    turned = content.edges(np.ascontiguousarray(photo[::-1]))
    assert content.unlike(turned, edges) > 0.3
