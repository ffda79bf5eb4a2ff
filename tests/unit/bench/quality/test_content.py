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


def ssim_at(one, other, row, column, span):
    """By the formula, in one window."""
    reach = np.arange(-6, 7)
    line = np.exp(-(reach**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    a, b = (
        m[row - 6 : row + 7, column - 6 : column + 7].astype(float)
        for m in (one, other)
    )
    mean_a, mean_b = (window * a).sum(), (window * b).sum()
    var_a, var_b = (
        (window * (m - mean) ** 2).sum() for m, mean in ((a, mean_a), (b, mean_b))
    )
    both = (window * (a - mean_a) * (b - mean_b)).sum()
    dark, flat = (0.01 * span) ** 2, (0.03 * span) ** 2
    return ((2 * mean_a * mean_b + dark) * (2 * both + flat)) / (
        (mean_a**2 + mean_b**2 + dark) * (var_a + var_b + flat)
    )


def test_edges_are_compared_by_structural_similarity():
    photo = content.edges(scene((64, 80)))
    other = content.edges(strokes((64, 80), seed=1, length=9))
    assert photo.shape == (32, 40)
    places = [(y, x) for y in range(6, 26) for x in range(6, 34)]
    inner = np.mean([ssim_at(other, photo, *at, photo.max()) for at in places])
    # Of the inside only: beyond it the windows are reflected.
    padded = 1 - content.unlike(other, photo)
    assert padded == pytest.approx(inner, abs=0.1)
    assert content.unlike(photo, photo) == pytest.approx(0, abs=1e-12)


def test_edges_stay_under_a_change_of_brightness():
    photo = scene((64, 80))
    edges = content.edges(photo)
    assert content.unlike(content.edges(0.8 * photo + 0.1), edges) < 0.1
    turned = content.edges(np.ascontiguousarray(photo[::-1]))
    assert content.unlike(turned, edges) > 0.3
