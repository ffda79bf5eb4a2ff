"""Where tiles lie, and that networks see no further than they are told to."""

import numpy as np
import pytest

from nst_jax.networks import masks
from nst_jax.networks.pooling import MAX
from nst_jax.networks.tiles import Span, Tiling, reach, spans
from weights_convert import architectures


def test_spans_cover_an_axis_once():
    for length in (1, 16, 17, 40, 100, 333):
        for tile, beyond in ((8, 0), (16, 3), (64, 8)):
            found = spans(length, tile, beyond)
            own = [n for span in found for n in range(span.begin, span.end)]
            assert own == list(range(length))
            assert len({span.size for span in found}) == 1
            for span in found:
                assert 0 <= span.first <= span.begin < span.end
                assert span.end <= span.first + span.size <= length
                # What is its own lies as far within as a result depends on.
                assert span.first == 0 or span.begin - span.first >= beyond
                last = span.first + span.size
                assert last == length or last - span.end >= beyond
    assert spans(10, 8, 2) == [Span(0, 10, 0, 10)]


@pytest.mark.parametrize("name", ["vgg19", "alexnet", "googlenet", "squeezenet1_0"])
def test_reach_is_as_far_as_a_pixel_is_seen(name):
    """By what a strip of pixels, one after the other, is seen of at a tap."""
    architecture = architectures.find(name)
    tap = architecture.trunk[len(architecture.trunk) * 2 // 3]
    stride, first = architecture.stride(tap), 200
    # Far from edges, where pixels are seen twice.
    strip = np.eye(480, dtype=np.float32)[first:280, None, :].repeat(96, axis=1)
    (seen,) = masks.at_taps(
        architecture, strip, [tap], reach=masks.ALL, pooling=MAX
    ).values()
    farthest = 0
    for pixel, of_pixel in enumerate(seen.max(axis=1), first):
        places = np.flatnonzero(of_pixel)
        beyond = pixel - (places * stride + stride - 1), places * stride - pixel
        farthest = max(farthest, *(int(of.max()) for of in beyond))
    assert farthest == reach(architecture, (tap,)) > 0


def test_tiles_begin_where_strides_do():
    tiling = Tiling.of(architectures.find("vgg19"), ("relu1_1", "relu5_1"), 500)
    # The field of relu5_1 is 156 pixels wide, of which 16 are its own.
    assert tiling == Tiling(side=496, beyond=80, unit=16)
    assert not tiling.cuts((656, 656))
    assert tiling.cuts((656, 657))
    assert tiling.cuts((100, 9000))
    assert tiling.framed((1000, 1008)) == (1008, 1008)
    size, places = tiling.windows((1008, 2000))
    assert size == (656, 656)
    assert not (places[:, :, 0] % 16).any()
    own = np.zeros((1008, 2000), int)
    for (_, top, bottom), (_, left, right) in places:
        own[top:bottom, left:right] += 1
    assert (own == 1).all()
    with pytest.raises(ValueError, match="whole units of 16"):
        tiling.windows((1000, 2000))
