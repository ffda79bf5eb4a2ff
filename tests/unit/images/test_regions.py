"""Maps of regions: flat colours whatever format and edges, labels, names."""

import numpy as np
import pytest
from PIL import Image
from support.masks import save_map

from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import regions
from nst_jax.images.color import oklab

RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)
COLOURS = np.array([BLACK, BLUE, RED])


def disc(side: int = 64) -> np.ndarray:
    """Labels `[side, side]`: red in a disc, and black above blue around it."""
    y, x = np.mgrid[:side, :side]
    labels = np.where(y < side // 2, 0, 1)
    return np.where(np.hypot(y - side / 2, x - side / 2) < side / 4, 2, labels)


def read(path, lines=None):
    source = regions.source(path)
    return regions.read(source, None if lines is None else lines.append)


def test_flat_colours_are_regions(tmp_path):
    found = read(save_map(tmp_path / "m.png", COLOURS, disc()))
    assert found.names == ("#000000", "#0000ff", "#ff0000")
    np.testing.assert_array_equal(found.labels, disc())
    assert found.shape == (64, 64)
    np.testing.assert_array_equal(found.mask(2), disc() == 2)


@pytest.mark.parametrize("quality", [95, 75, 40])
def test_jpegs_noise_is_no_region(tmp_path, quality):
    path = save_map(tmp_path / "m.jpg", COLOURS, disc(128), quality=quality)
    found = read(path)
    assert len(found.names) == 3
    places = [regions.find(n, found.names) for n in ("#000000", "#0000ff", "#ff0000")]
    assert sorted(places) == [0, 1, 2]
    assert np.mean(found.labels != np.array(places)[disc(128)]) < 0.01


def test_smoothed_edges_go_to_their_neighbours(tmp_path):
    save_map(tmp_path / "large.png", COLOURS, disc(256))
    with Image.open(tmp_path / "large.png") as picture:
        picture.resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / "m.png")
    lines: list[str] = []
    found = read(tmp_path / "m.png", lines)
    # A mean of red and blue is purple, of black and red brown: no regions of those.
    assert found.names == ("#000000", "#0000ff", "#ff0000")
    assert np.mean(found.labels != disc(64)) < 0.02
    assert lines == []


def test_a_colour_of_too_few_pixels_is_said(tmp_path):
    labels = disc(128)
    labels[2:7, 2:7] = 3
    save_map(tmp_path / "m.png", np.array([*COLOURS, (0, 255, 0)]), labels)
    lines: list[str] = []
    found = read(tmp_path / "m.png", lines)
    assert len(found.names) == 3
    (line,) = lines
    assert "of colours with less than 0.2 % each go to the regions beside them" in line


def test_what_is_no_map_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with pytest.raises(ImageError, match=r"noise\.png: has no flat areas: draw each"):
        read(tmp_path / "noise.png")
    many = rng.integers(0, 256, (49, 3))
    tiles = np.arange(49).reshape(7, 7).repeat(10, 0).repeat(10, 1)
    save_map(tmp_path / "many.png", many, tiles)
    with pytest.raises(ImageError, match=r"has \d+ regions or more, 32 are the most"):
        read(tmp_path / "many.png")
    with pytest.raises(ImageError, match="has 40 regions or more"):
        read(np.arange(40)[None])
    for wrong in (
        np.zeros(3, int),
        np.zeros((2, 2), np.float32),
        np.zeros((0, 2), int),
    ):
        with pytest.raises(ImageError, match="regions are whole numbers"):
            regions.source(wrong)
    with pytest.raises(ImageError, match="shares that aren't 0 or more"):
        regions.source(np.full((2, 2, 2), -1.0))


def test_arrays_are_labels_or_shares():
    labels = np.array([[7, 7, -1], [7, 3, 3]])
    found = read(labels)
    assert found.names == ("-1", "3", "7")
    np.testing.assert_array_equal(found.mask(2), labels == 7)
    assert read(labels == 7).names == ("0", "1")
    shares = np.random.default_rng(0).random((2, 3, 4))
    found = read(shares)
    assert found.names == ("0", "1", "2", "3")
    np.testing.assert_allclose(found.mask(3), shares[..., 3], rtol=1e-6)
    coloured = read(COLOURS.astype(np.uint8)[disc()])
    np.testing.assert_array_equal(coloured.labels, disc())
    # Their identity is what they hold.
    assert regions.source(labels) == regions.source(labels.copy())
    assert regions.source(labels) != regions.source(labels + 1)
    assert len(regions.source(labels).digest()) == 64


def test_names_of_colours():
    for text, name in {
        "red": "#ff0000",
        " Gray": "#808080",
        "#0F0": "#00ff00",
        "#12ab9f": "#12ab9f",
        "12AB9F": "#12ab9f",
        "3": "3",
    }.items():
        assert regions.parsed(text) == name
    assert regions.called("#ff0000") == "#ff0000 red"
    assert regions.called("#fe0203") == "#fe0203 red"
    assert regions.called("#7a4c10") == "#7a4c10"
    assert regions.called("4") == "region 4"
    with pytest.raises(OptionsError, match="'rouge' is no colour: give one such as"):
        regions.parsed("rouge")


def test_colours_match_as_jpeg_leaves_them():
    names = ("#030201", "#fe0100", "5")
    assert regions.find("#000000", names) == 0
    assert regions.find("#ff0000", names) == 1
    assert regions.find("#00ff00", names) is None
    assert regions.find("5", names) == 2
    assert regions.find("6", names) is None


def test_oklab_of_known_colours():
    """Of the CSS Color 4 specification's examples, to their digits."""
    found = oklab(np.array([[1, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]))
    expected = [
        [1, 0, 0],
        [0.62796, 0.22486, 0.12585],
        [0.86644, -0.23389, 0.17950],
        [0.45201, -0.03246, -0.31153],
        [0, 0, 0],
    ]
    np.testing.assert_allclose(found, expected, atol=2e-4)
