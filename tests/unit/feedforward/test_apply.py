"""Strength, strokes, colours: what is between the photo and the network's picture."""

import numpy as np
import pytest
from support import stylizers
from support.batch_folder import picture
from support.style_networks import NETWORKS, arrays_of

from nst_jax.devices import memory
from nst_jax.errors import OptionsError, TooSmallError
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.options import Options, changed
from nst_jax.feedforward.stream import Overlapped, stream
from nst_jax.feedforward.stylizer import Stylizer
from nst_jax.images import color, resize
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.stylizers.stylizer import Stylizer as Stored

PHOTO = picture(5, 48, 40)
PAINTED = picture(6, 48, 40)


@pytest.fixture(scope="module")
def stylizer():
    return stylizers.stylizer(stylizers.SEVERAL)


def finished(stylizer, painted=PAINTED, **options):
    painter = Painter(stylizer, Options(**options))
    prepared = painter.prepare(PHOTO, painter.own(0))
    height, width = prepared.small.shape[:2]
    framed = np.pad(painted[:height, :width], ((0, 4), (0, 8), (0, 0)))
    return prepared, painter.finish(prepared, framed)


def test_by_default_it_is_what_the_network_paints(stylizer):
    prepared, found = finished(stylizer)
    np.testing.assert_array_equal(prepared.small, PHOTO)
    np.testing.assert_array_equal(found, PAINTED)


def test_strength_is_the_way_from_the_photo(stylizer):
    np.testing.assert_array_equal(finished(stylizer, strength=0.0)[1], PHOTO)
    half = finished(stylizer, strength=0.5)[1]
    np.testing.assert_allclose(half, (PHOTO + PAINTED) / 2, atol=1e-6)


def test_larger_strokes_are_a_smaller_picture_whose_change_is_enlarged(stylizer):
    prepared, _ = finished(stylizer, stroke_size=2.0)
    assert prepared.small.shape == (24, 20, 3)
    np.testing.assert_array_equal(prepared.small, resize.resize(PHOTO, (24, 20)))
    # Nothing changed leaves the photo as sharp as it was; a shade is added as it is.
    _, same = finished(stylizer, prepared.small, stroke_size=2.0)
    np.testing.assert_allclose(same, PHOTO, atol=1e-6)
    _, darker = finished(stylizer, prepared.small - 0.1, stroke_size=2.0)
    np.testing.assert_allclose(darker, np.clip(PHOTO - 0.1, 0, 1), atol=1e-6)


def test_sizes_of_results(stylizer):
    prepared, found = finished(stylizer, size=24)
    assert prepared.photo.shape == found.shape == (24, 20, 3)
    painter = Painter(stylizer, Options(size=100, stroke_size=4.0))
    assert painter.shape((1000, 700)) == (25, 18)
    with pytest.raises(TooSmallError, match=r"25x4 pixels.* 16 a side"):
        painter.shape((10, 70))


def test_colours_of_the_photo(stylizer):
    prepared, found = finished(stylizer, color="luminance_unmatched")
    assert np.ptp(prepared.small, axis=-1).max() < 1e-6
    wanted = color.with_luminance(PHOTO, PAINTED)
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    # Where no painting can be matched to the photo, what was painted is.
    _, found = finished(stylizer, color="linear")
    for statistic in (np.mean, np.std):
        of = statistic(found, (0, 1)), statistic(PHOTO, (0, 1))
        np.testing.assert_allclose(*of, atol=0.02)
    _, found = finished(stylizer, color="luminance")
    light = color.luminance(found).mean(), color.luminance(PHOTO).mean()
    assert light[0] == pytest.approx(light[1], abs=0.01)


def test_tiles_where_they_are_asked_for(stylizer):
    assert Painter(stylizer, Options(), tile=16).lanes((48, 40), 3) == 0
    assert Painter(stylizer, Options(), tile=48).lanes((16, 20), 1) == 1


def test_options_are_checked():
    for bad in (
        {"strength": 1.5},
        {"stroke_size": 0.0},
        {"size": 3},
        {"color": "red"},
        {"precision": "float64"},
    ):
        with pytest.raises(OptionsError, match=next(iter(bad))):
            Options(**bad)
    assert changed(Options(size=64, style="2")) == {"size": 64, "style": "2"}


@pytest.mark.slow
def test_tiles_where_the_memory_is_too_small_for_the_whole(stylizer, monkeypatch):
    said, frame = [], (48, 40)
    painter = Painter(stylizer, Options(), report=said.append)
    needed = memory.needed_bytes(painter.programs.of(1, frame))
    plenty, little = 2 * needed, needed // 2
    for whole, free, lanes in (
        (plenty, plenty, 1),
        (plenty, little, 0),
        (little, little, 0),
    ):
        monkeypatch.setattr(memory, "whole_bytes", lambda whole=whole: whole)
        monkeypatch.setattr(memory, "free_bytes", lambda free=free: free)
        assert painter.lanes(frame, 1) == lanes
        assert len(said) == (lanes == 0 and whole == plenty)
        said.clear()


@pytest.mark.slow
def test_among_smaller_pictures_its_own_program_has_to_fit(monkeypatch):
    painter, frame = Painter(stylizers.stylizer(stylizers.ZERO), Options()), (64, 64)
    needs = {
        mixed: memory.needed_bytes(painter.programs.of(1, frame, mixed=mixed))
        for mixed in (False, True)
    }
    assert needs[False] != needs[True]
    for mixed, needed in needs.items():
        for whole, lanes in ((needed / 0.8, 1), (needed / 0.9, 0)):
            monkeypatch.setattr(memory, "whole_bytes", lambda whole=whole: whole)
            assert painter.lanes(frame, 1, mixed=mixed) == lanes


@pytest.mark.slow
def test_as_many_side_by_side_whatever_is_free_or_it_is_said(stylizer, monkeypatch):
    said = []
    painter = Painter(stylizer, Options(), report=said.append)
    usual = painter.lanes((16, 16), 8)
    needed = memory.needed_bytes(painter.programs.of(usual, (16, 16)))
    assert (usual, said) == (8, [])
    for free, fewer in ((2 * needed, 8), (needed, 7), (0, 1)):
        monkeypatch.setattr(memory, "free_bytes", lambda free=free: free)
        assert painter.lanes((16, 16), 8) <= fewer
        assert len(said) == (fewer < 8)
        said.clear()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PLAIN", "ZERO"])
def test_a_picture_that_fills_its_frame_is_as_among_smaller_ones(kind):
    painter = Painter(stylizers.stylizer(getattr(stylizers, kind)), Options())
    look = painter.own(None)
    pictures = [painter.prepare(picture(seed, 40, 48), look) for seed in (1, 2)]
    filled, mixed = (
        np.asarray(painter.paint(pictures, 2, (40, 48), mixed=mixed))
        for mixed in (False, True)
    )
    np.testing.assert_allclose(filled, mixed, atol=1e-5)
    assert filled.std() > 0.01


@pytest.mark.slow
def test_networks_that_adapt_features_paint_each_shape_by_itself():
    adain = stylizers.stylizer(stylizers.ADAIN)
    image, painting = picture(1, 33, 24), picture(3, 40, 40)
    painter = Painter(adain, Options(strength=0.5))
    assert painter.frame((33, 24)) == (33, 24)
    look = painter.like([(painting, 1.0)])
    overlapped = Overlapped(
        painter, lambda n: (image, look), lambda n, image, seconds: image
    )
    ((_, found),) = overlapped.of(range(1))
    wanted = adain(image, look.vector, strength=0.5)
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    with pytest.raises(OptionsError, match="tiles"):
        Painter(adain, Options(), tile=64)
    steadied = list(stream(adain, [image] * 3, look.vector, smooth=2))
    np.testing.assert_allclose(steadied[2], steadied[0], atol=1e-4)


@pytest.mark.slow
def test_strength_mixes_the_styles_of_photo_and_painting():
    network = NETWORKS["adaptive"]
    predictor = Predictor(size=32, outputs=network.styles)
    arrays = arrays_of(predictor, 1)
    stored = Stored(network, arrays_of(network), "a test", "", predictor, arrays)
    anything = Stylizer.of(stored, {})
    painter = Painter(anything, Options(strength=0.25))
    painting = picture(3, 32, 32)
    look = painter.like([(painting, 1.0)])
    prepared = painter.prepare(PHOTO, look)
    mixed = painter._vector_of(prepared)
    own, other = (
        np.asarray(anything.style_of(resize.square(image, 32)))
        for image in (PHOTO, painting)
    )
    np.testing.assert_allclose(mixed, own + 0.25 * (other - own), atol=1e-5)
    # Paintings are blended, each in the photo's colours where that is asked for.
    matched = Painter(anything, Options(color="linear"))
    look = matched.like([(painting, 0.5), (PHOTO, 0.5)])
    found = matched._vector_of(matched.prepare(PHOTO, look))
    in_colours = color.match_linear(painting, PHOTO)
    toned = np.asarray(anything.style_of(resize.square(in_colours, 32)))
    np.testing.assert_allclose(found, (toned + own) / 2, atol=2e-3)
