import numpy as np
import pytest

from bench.quality import strengths
from bench.quality.verdict import compare, sign_test


def test_signs():
    assert sign_test(9, 1) == pytest.approx(0.011, abs=5e-4)
    assert sign_test(8, 2) == pytest.approx(0.055, abs=5e-4)
    assert sign_test(0, 0) == 1


def test_pairs_are_compared_each_by_itself():
    rng = np.random.default_rng(0)
    second = {f"pair{n}": float(value) for n, value in enumerate(rng.random(12) * 9)}
    first = {name: value - 0.2 for name, value in second.items()}
    first["pair3"] = second["pair3"] + 5
    first["pair4"] = second["pair4"]
    first["alone"] = -100.0
    found = compare(first, second)
    assert found is not None
    assert (found.pairs, found.wins, found.losses) == (12, 10, 1)
    assert found.median == pytest.approx(-0.2)
    assert found.low <= found.median <= found.high <= 0
    assert found.chance == pytest.approx(sign_test(10, 1))
    assert compare({"a": 1.0}, {"b": 1.0}) is None


def test_style_is_compared_at_equal_content():
    points = [(0.2, 0.8), (0.8, 0.2), (0.4, 0.4)]
    assert strengths.style_at(points, 0.4) == pytest.approx(0.4)
    assert strengths.style_at(points, 0.3) == pytest.approx(0.6)
    assert strengths.style_at(points, 0.1) is None
    assert strengths.style_at(points, 0.9) is None
    assert strengths.style_at([], 0.5) is None


def test_area_is_what_is_beaten():
    assert strengths.area([(0.0, 0.0)]) == 1
    assert strengths.area([(0.5, 0.5)]) == pytest.approx(0.25)
    assert strengths.area([(0.5, 0.5), (0.6, 0.6)]) == pytest.approx(0.25)
    assert strengths.area([(0.25, 0.75), (0.75, 0.25)]) == pytest.approx(0.3125)
    assert strengths.area([(-0.5, 0.5)]) == pytest.approx(0.5)
    assert strengths.area([(1.2, 0.1), (0.1, 1.0)]) == 0
