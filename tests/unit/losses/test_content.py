"""The content loss by hand, at all scales."""

import jax.numpy as jnp
import pytest

from nst_jax.losses.content import Content, HalfSum, Share
from nst_jax.losses.view import View


@pytest.mark.parametrize(
    ("kind", "expected"), [(Content, 10 / 4), (HalfSum, 5), (Share, 1 / 4)]
)
def test_by_hand(kind, expected):
    loss = kind()
    seen, wanted = (View.of(jnp.array([[[[1.0, 2.0], [x, 4.0]]]])) for x in (0.0, 3.0))
    one = View(seen.features[0], None, seen.count[0])
    other = View(wanted.features[0] + jnp.array([1.0, 0.0]), None, wanted.count[0])
    # Differences 1, 0 and 4, 0: squares 1 and 16.
    assert loss.distance(one, other) == pytest.approx(expected * 17 / 10)
