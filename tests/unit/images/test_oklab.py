"""OkLab, of known colours."""

import numpy as np
import pytest

from nst_jax.images.color import oklab


@pytest.mark.parametrize(
    ("srgb", "expected"),
    [
        ((1, 1, 1), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        # Of the sRGB primaries, as CSS Color 4 has them.
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_known_colours(srgb, expected):
    found = oklab(np.array(srgb, np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-4)
