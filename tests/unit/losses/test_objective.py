"""The sum of terms: weights, targets, taps."""

import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.losses.content import Content
from nst_jax.losses.gram import Gram
from nst_jax.losses.objective import IMAGE, Objective, Part
from nst_jax.losses.total_variation import TotalVariation
from nst_jax.losses.view import View

OBJECTIVE = Objective(
    (
        Part("content/b", Content(), "b", "content"),
        Part("style/a", Gram(), "a", "style"),
        Part("style/b", Gram(), "b", "style"),
        Part("total_variation", TotalVariation(), IMAGE, ""),
    )
)


def views(seed):
    rng = np.random.default_rng(seed)
    shapes = {"a": (6, 8, 3), "b": (3, 4, 5), IMAGE: (6, 8, 3)}
    return {
        tap: View(jnp.float32(rng.random(s)), None, jnp.float32(s[0] * s[1]))
        for tap, s in shapes.items()
    }


@pytest.mark.slow
def test_the_total_is_the_sum_of_its_weighted_parts():
    photo, painting, seen = views(0), views(1), views(2)
    targets = {
        **OBJECTIVE.statistics(photo, "content"),
        **OBJECTIVE.statistics(painting, "style"),
    }
    assert list(targets) == ["content/b", "style/a", "style/b"]
    weights = dict(
        zip([p.name for p in OBJECTIVE.parts], (2.0, 3.0, 0.0, 7.0), strict=True)
    )
    total, found = OBJECTIVE(OBJECTIVE.statistics(seen), targets, weights)
    assert list(found) == list(weights)
    for part in OBJECTIVE.parts:
        statistic = part.term.statistic(seen[part.tap])
        alone = part.term.distance(statistic, targets.get(part.name))
        expected = weights[part.name] * float(alone)
        assert found[part.name] == pytest.approx(expected, rel=1e-6)
    assert total == pytest.approx(sum(map(float, found.values())), rel=1e-6)


def test_taps_are_those_that_parts_look_at_each_once():
    assert OBJECTIVE.taps() == ("b", "a")
    assert OBJECTIVE.taps("content") == ("b",)
    assert OBJECTIVE.taps("style") == ("a", "b")
    assert OBJECTIVE.taps("") == ()


def test_shares_are_divided_by_their_sum():
    one, two = (OBJECTIVE.statistics(views(seed), "style") for seed in (1, 2))
    found, expected = (OBJECTIVE.blend([one, two], s) for s in ((3, 1), (0.75, 0.25)))
    assert found.keys() == {"style/a", "style/b"}
    for name in found:
        np.testing.assert_array_equal(found[name].values, expected[name].values)
