"""Files of 16 bits a channel, against readers of other libraries."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

import nst_jax
from nst_jax.errors import ImageError
from nst_jax.images import encode, files

DESCRIPTION = {"photo": "Tübingen \u2603.jpg", "weights": [1.5, 2e-7]}


@pytest.fixture
def image() -> np.ndarray:
    """With levels between those of 8 bits, and some outside of [0, 1]."""
    rng = np.random.default_rng(3)
    return rng.uniform(-0.1, 1.1, (23, 31, 3)).astype(np.float32)


@pytest.fixture
def opacity() -> np.ndarray:
    return np.random.default_rng(4).random((23, 31), np.float32)


def of_png(path) -> np.ndarray:
    """By FFmpeg's decoder."""
    import av

    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
        assert frame.format.name in ("rgb48be", "rgba64be")
        return frame.to_ndarray().astype(np.uint16)


def of_tiff(path) -> np.ndarray:
    import tifffile

    return tifffile.imread(path)


READERS = {"png": of_png, "tif": of_tiff}


def test_sixteen_bits_are_rounded_to_the_nearest_level():
    levels = encode.quantize(np.array([0, 0.49 / 65535, 0.51 / 65535, 1, 7, -1]), 16)
    assert levels.dtype == np.uint16
    assert levels.tolist() == [0, 0, 1, 65535, 65535, 0]


@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("ending", READERS)
def test_other_libraries_read_every_level(tmp_path, image, opacity, ending, with_alpha):
    path = tmp_path / f"a.{ending}"
    alpha = opacity if with_alpha else None
    files.write(path, image, description=DESCRIPTION, bits=16, alpha=alpha)
    expected = np.rint(np.clip(image, 0, 1) * 65535)
    if with_alpha:
        expected = np.dstack([expected, np.rint(opacity * 65535)])
    np.testing.assert_array_equal(READERS[ending](path), expected)


@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("ending", READERS)
def test_all_around_the_pixels_is_as_with_eight_bits(
    tmp_path, image, opacity, ending, with_alpha
):
    path, plain = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    alpha = opacity if with_alpha else None
    files.write(path, image, description=DESCRIPTION, bits=16, alpha=alpha)
    files.write(plain, image, description=DESCRIPTION, alpha=alpha)
    assert files.read_description(path) == DESCRIPTION
    assert files.is_ours(path)
    assert files.shape(path) == image.shape[:2]
    with Image.open(path) as found, Image.open(plain) as expected:
        assert found.info["icc_profile"] == expected.info["icc_profile"]
        icc = ImageCms.ImageCmsProfile(io.BytesIO(found.info["icc_profile"]))
        assert found.mode == expected.mode
        told = found.info if ending == "png" else found.getexif()
        software = told["Software" if ending == "png" else 0x0131]
    assert "sRGB" in ImageCms.getProfileDescription(icc)
    assert software == f"nst_jax {nst_jax.__version__}"
    # Reading cuts them to 8 bits, as Pillow does.
    back, eight = files.read(path), files.read(plain)
    np.testing.assert_allclose(back, eight, atol=2.01 / 255)
    files.write(path, image, bits=16)
    assert not files.is_ours(path)


@pytest.mark.parametrize("ending", READERS)
def test_the_same_image_gives_the_same_bytes(tmp_path, image, ending):
    contents = []
    for name in "ab":
        path = tmp_path / f"{name}.{ending}"
        files.write(path, image, description=DESCRIPTION, bits=16)
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_a_smooth_picture_is_compressed(tmp_path):
    y, x = np.mgrid[0:1:200j, 0:1:300j]
    smooth = np.stack([x, y, 1 - x * y], axis=-1)
    for ending in READERS:
        files.write(tmp_path / f"a.{ending}", smooth, bits=16)
        assert (tmp_path / f"a.{ending}").stat().st_size < 0.4 * 6 * x.size, ending


@pytest.mark.parametrize(
    ("name", "what", "message"),
    [
        ("a.jpg", {"bits": 16}, "bits=16 needs .png or .tif; JPEG has 8 bits a chann"),
        ("a.webp", {"bits": 16}, "bits=16 needs .png or .tif; WEBP has 8 bits a chan"),
        (
            "a.JPEG",
            {"alpha": True},
            "transparency=keep needs .png, .webp or .tif; JPEG has",
        ),
    ],
)
def test_what_a_format_lacks_is_said(tmp_path, image, opacity, name, what, message):
    with pytest.raises(ImageError) as early:
        files.check_holds(tmp_path / name, **what)
    if "alpha" in what:
        what = {"alpha": opacity}
    with pytest.raises(ImageError) as caught:
        files.write(tmp_path / name, image, **what)
    assert str(caught.value) == str(early.value)
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_alpha_of_eight_bits_comes_back(tmp_path, image, opacity, ending):
    path = tmp_path / f"a.{ending}"
    files.write(path, image, alpha=opacity)
    found = files.read_opacity(path)
    np.testing.assert_allclose(found, opacity, atol=0.501 / 255)
