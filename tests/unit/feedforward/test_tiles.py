"""A picture in tiles is the picture at once."""

import jax
import numpy as np
import pytest
from support import stylizers
from support.batch_folder import picture

from nst_jax.feedforward import tiles
from weights_convert.architectures import transformer


@pytest.mark.slow
@pytest.mark.parametrize("architecture", [stylizers.ZERO, stylizers.SEVERAL])
def test_tiles_are_the_whole(architecture):
    network = stylizers.stylizer(architecture).network
    image = picture(1, 70, 93)
    several = architecture is stylizers.SEVERAL
    style = np.array([[0.2, 0.8, 0.0]], np.float32) if several else None
    whole = jax.jit(lambda n, x, s: n(x[None], s)[0])(network, image, style)
    found = tiles.paint(network, image, style, tile=24)
    assert found.shape == image.shape
    np.testing.assert_allclose(found, whole, atol=2e-5)
    # Nor is a border of tiles to be seen in what is left.
    assert np.abs(found - whole).max() < 1e-4 < np.ptp(found)


def test_segments_see_no_further_than_the_network():
    for architecture in (transformer.PYTORCH_EXAMPLES, transformer.MULTISTYLE):
        segments = tiles.segments(architecture)
        assert sum(segments, ()) == architecture.layers
        # In pixels of what each segment sees; and what those are a multiple of.
        ends = [tiles.reach(segment) for segment in (*segments[:2], *segments[-2:])]
        assert ends == [(6, 2), (2, 2), (1, 1), (3, 1)]
        assert all(tiles.reach(segment) == (1, 1) for segment in segments[2:-2])
        assert 6 + 2 * 2 + 4 * (len(segments) - 3) + 2 * 3 >= architecture.reach


def test_statistics_of_parts_add_up():
    values = np.random.default_rng(0).normal(1e3, 1, (1, 40, 7, 2))
    merged = tiles._Merged()
    for part in (values[:, :3], values[:, 3:30], values[:, 30:]):
        count = part.shape[1] * part.shape[2]
        merged = merged.and_of(count, (part.mean((1, 2)), part.var((1, 2))))
    mean, variance = merged.statistics
    np.testing.assert_allclose(mean, values.mean((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(variance, values.var((1, 2)), rtol=1e-5)
