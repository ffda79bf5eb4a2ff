"""Pictures that share a frame are what each is alone."""

import jax
import numpy as np
import pytest
from support import stylizers
from support.batch_folder import picture

from nst_jax.devices import backend
from nst_jax.feedforward import bordered

SHAPES = [(24, 32), (21, 18), (32, 30)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cpu", "gpu"])
@pytest.mark.parametrize("architecture", [stylizers.PLAIN, stylizers.ZERO])
def test_each_is_what_it_is_alone(architecture, kind):
    network = stylizers.stylizer(architecture).network
    images = [picture(n, *shape) for n, shape in enumerate(SHAPES)]
    frame = (32, 32)
    extents = np.array([[bordered.whole(n) for n in shape] for shape in SHAPES])
    framed = np.stack([bordered.framed(i, frame) for i in images])
    with backend.made_for(kind):
        together = jax.jit(bordered.paint)(network, framed, None, extents)
    alone = jax.jit(lambda network, image: network(image[None])[0])
    for number in (1, 2):  # One smaller both ways, one that fills it one way.
        (height, width), image = SHAPES[number], images[number]
        found = np.asarray(together[number, :height, :width])
        np.testing.assert_allclose(found, alone(network, image), atol=2e-5)
        assert np.ptp(found) > 0.1


def test_frames_hold_reflected_pictures():
    image = picture(0, 17, 18)
    found = bordered.framed(image, (24, 20))
    assert found.shape == (24, 20, 3)
    np.testing.assert_array_equal(found[:17, :18], image)
    np.testing.assert_array_equal(found[17:20, :18], image[15:12:-1])
    assert not found[20:].any()
