"""Embedded ICC profiles against float64 colour science."""

import numpy as np
import pytest
from PIL import Image, ImageCms
from support.icc_files import (
    ADOBE_GAMMA,
    ADOBE_XY,
    D50,
    SRGB_XY,
    cmyk_profile,
    gamma_curve,
    grey_profile,
    matrix_profile,
    srgb_curve,
    srgb_encode,
    srgb_of_lab,
    srgb_of_xyz,
    xyz_of_lab,
    xyz_of_primaries,
)

from nst_jax.images import files, profiles

ADOBE = matrix_profile(ADOBE_XY, gamma_curve(ADOBE_GAMMA))
LEVEL = 1.0 / 255


def srgb_of_adobe(levels: np.ndarray) -> np.ndarray:
    linear = (levels / 255) ** ADOBE_GAMMA
    return srgb_of_xyz(linear @ xyz_of_primaries(ADOBE_XY).T)


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_wide_gamut_rgb(tmp_path, colours, ending):
    path = tmp_path / f"a.{ending}"
    Image.fromarray(colours).save(path, icc_profile=ADOBE, lossless=True)
    lines: list[str] = []
    image = files.read(path, report=lines.append)
    expected = srgb_of_adobe(colours)
    np.testing.assert_allclose(image, expected, atol=1.2 * LEVEL)
    assert np.abs(expected - colours / 255).max() > 20 * LEVEL
    assert lines == []


def test_profile_in_a_jpeg(tmp_path):
    levels = np.full((16, 16, 3), (90, 160, 120), np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.jpg", quality=100, icc_profile=ADOBE)
    image = files.read(tmp_path / "a.jpg")
    np.testing.assert_allclose(image, srgb_of_adobe(levels), atol=3 * LEVEL)


def test_swapped_primaries_swap_the_channels(tmp_path, colours):
    swapped = matrix_profile(SRGB_XY, srgb_curve(), order="bgr")
    Image.fromarray(colours).save(tmp_path / "a.png", icc_profile=swapped)
    image = files.read(tmp_path / "a.png")
    np.testing.assert_allclose(image, colours[..., ::-1] / 255, atol=1.01 * LEVEL)


@pytest.mark.parametrize("source", ["table", "Little CMS", "ours"])
def test_srgb_stays_what_it_is(tmp_path, colours, source):
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = {
        "table": matrix_profile(SRGB_XY, srgb_curve()),
        "Little CMS": made,
        "ours": profiles.srgb_profile(),
    }[source]
    Image.fromarray(colours).save(tmp_path / "a.png", icc_profile=icc)
    image = files.read(tmp_path / "a.png")
    np.testing.assert_allclose(image, colours / 255, atol=1.01 * LEVEL)


def test_palette_and_alpha_go_through_the_profile(tmp_path, colours):
    levels = colours[:1, :4]
    palette = Image.new("P", (4, 1))
    palette.putpalette(levels.tobytes())
    palette.putdata(range(4))
    palette.save(tmp_path / "a.png", icc_profile=ADOBE)
    expected = srgb_of_adobe(levels)
    image = files.read(tmp_path / "a.png")
    np.testing.assert_allclose(image, expected, atol=1.2 * LEVEL)
    half = np.full((1, 4, 1), 51, np.uint8)
    transparent = Image.fromarray(np.concatenate([levels, half], axis=-1))
    transparent.save(tmp_path / "b.png", icc_profile=ADOBE)
    image = files.read(tmp_path / "b.png")
    np.testing.assert_allclose(image, expected * 0.2 + 0.8, atol=0.3 * LEVEL)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_grey_profile_keeps_16_bits(tmp_path, gamma):
    values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    icc = grey_profile(gamma_curve(gamma))
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=icc)
    image = files.read(tmp_path / "a.png")
    exponent = round(gamma * 256) / 256
    expected = srgb_encode((values / 65535) ** exponent)
    np.testing.assert_allclose(image, expected[..., None].repeat(3, -1), atol=2e-4)


def test_8_bit_grey_profile(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    icc = grey_profile(gamma_curve(1.0))
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=icc)
    image = files.read(tmp_path / "a.png")
    expected = srgb_encode(values / 255)
    np.testing.assert_allclose(image, expected[..., None].repeat(3, -1), atol=2e-4)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_with_the_profile_of_its_colour_past(tmp_path, dtype):
    full = np.iinfo(dtype).max
    values = np.linspace(0, full, 300).astype(dtype).reshape(15, 20)
    Image.fromarray(values).save(tmp_path / "a.png", icc_profile=ADOBE)
    image = files.read(tmp_path / "a.png")
    expected = srgb_encode((values / full) ** ADOBE_GAMMA)
    np.testing.assert_allclose(image, expected[..., None].repeat(3, -1), atol=1e-3)


def cmyk_corners() -> np.ndarray:
    """[2, 2, 2, 2, 3] Lab, all colours that sRGB has."""
    rng = np.random.default_rng(1)
    low, high = [30, -15, -15], [80, 15, 15]
    corners = np.rint(rng.uniform(low, high, (2, 2, 2, 2, 3)) * 2.55) / 2.55
    corners[..., 1:] = np.rint(corners[..., 1:])
    corners[0, 0, 0, 0] = [100, 0, 0]
    corners[1, 1, 1, 1] = [0, 0, 0]
    return corners


@pytest.mark.parametrize("ending", ["tif", "jpg"])
def test_cmyk_goes_through_its_profile(tmp_path, ending):
    corners = cmyk_corners()
    inks = np.stack(np.meshgrid(*[[0, 255]] * 4, indexing="ij"), -1).reshape(4, 4, 4)
    large = inks.astype(np.uint8).repeat(8, 0).repeat(8, 1)
    path = tmp_path / f"a.{ending}"
    Image.fromarray(large, "CMYK").save(
        path, quality=100, icc_profile=cmyk_profile(corners)
    )
    lines: list[str] = []
    image = files.read(path, report=lines.append)
    expected = srgb_of_lab(corners.reshape(4, 4, 3))
    np.testing.assert_allclose(image[4::8, 4::8], expected, atol=2 * LEVEL)
    assert lines == []


def test_black_point_is_compensated(tmp_path):
    # Adobe, "Black Point Compensation" (2006): XYZ scaled until the darkest is 0.
    corners = cmyk_corners()
    corners[1, 1, 1, 1] = [20, 0, 0]
    inks = np.array([[[255] * 4, [0] * 4, [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    icc = cmyk_profile(corners, kind=b"scnr")
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.tif", icc_profile=icc)
    lab = np.stack([corners[tuple(ink // 255)] for ink in inks[0]])
    lab[..., 0] = np.rint(lab[..., 0] * 2.55) / 2.55
    xyz, darkest = xyz_of_lab(lab), xyz_of_lab(lab[:1])
    expected = srgb_of_xyz(D50 * (xyz - darkest) / (D50 - darkest))
    image = files.read(tmp_path / "a.tif")
    np.testing.assert_allclose(image[0], expected, atol=2 * LEVEL)
    assert np.abs(srgb_of_xyz(xyz) - expected).max() > 20 * LEVEL


@pytest.mark.parametrize(
    ("mode", "icc", "reason"),
    [
        ("RGB", b"this is no profile", "it is damaged"),
        ("L", b"this is no profile", "it is damaged"),
        ("RGB", grey_profile(gamma_curve(1.0)), "it is for GRAY pixels, these are RGB"),
        ("RGB", cmyk_profile(cmyk_corners()), "it is for CMYK pixels, these are RGB"),
        ("L", cmyk_profile(cmyk_corners()), "it is for CMYK pixels, these are grey"),
    ],
)
def test_a_profile_that_cannot_be_used_is_reported(tmp_path, mode, icc, reason):
    Image.new(mode, (2, 2), 51 if mode == "L" else (51, 102, 204)).save(
        tmp_path / "a.png", icc_profile=icc
    )
    lines: list[str] = []
    image = files.read(tmp_path / "a.png", report=lines.append)
    expected = [0.2] * 3 if mode == "L" else [0.2, 0.4, 0.8]
    np.testing.assert_allclose(image, np.tile(expected, (2, 2, 1)), atol=1e-7)
    message = f"has a colour profile that can't be used ({reason}); read as sRGB"
    assert lines == [f"{tmp_path / 'a.png'}: {message}"]


@pytest.mark.parametrize("damaged", [ADOBE.replace(b"rTRC", b"xTRC"), ADOBE[:300]])
def test_an_incomplete_profile_is_reported(tmp_path, damaged):
    # Little CMS opens it, and only then finds that it can make nothing of it.
    Image.new("RGB", (2, 2), (51, 102, 204)).save(
        tmp_path / "a.png", icc_profile=damaged
    )
    lines: list[str] = []
    image = files.read(tmp_path / "a.png", report=lines.append)
    np.testing.assert_allclose(image, np.tile([0.2, 0.4, 0.8], (2, 2, 1)), atol=1e-7)
    assert len(lines) == 1
    assert "colour profile that can't be used (Little CMS says: " in lines[0]


def test_cmyk_with_a_broken_profile_falls_back(tmp_path):
    Image.new("CMYK", (1, 1), (255, 0, 51, 0)).save(
        tmp_path / "a.tif", icc_profile=ADOBE
    )
    lines: list[str] = []
    image = files.read(tmp_path / "a.tif", report=lines.append)
    np.testing.assert_allclose(image, [[[0, 1, 0.8]]], atol=LEVEL)
    assert "it is for RGB pixels, these are CMYK" in lines[0]
    assert "rough guess" in lines[1]
