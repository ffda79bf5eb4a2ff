"""Resizing against a float64 reference written from the formula, and against JAX."""

import math

import jax
import numpy as np
import pytest

from nst_jax.images import files, resize

SIZES = [(17, 23), (40, 31), (9, 60), (31, 7), (61, 83), (1, 1), (30, 40)]


def keys_weights(size: int, new_size: int) -> np.ndarray:
    """[new_size, size]: Keys's cubic (1981, eq. 15), a = -1/2, widened to antialias."""
    weights = np.zeros((new_size, size))
    stretch = max(size / new_size, 1.0)
    for i in range(new_size):
        centre = (i + 0.5) * size / new_size
        for j in range(size):
            x = abs(j + 0.5 - centre) / stretch
            if x < 1:
                weights[i, j] = 1.5 * x**3 - 2.5 * x**2 + 1
            elif x < 2:
                weights[i, j] = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).random((30, 41, 3)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_against_the_formula(image, size):
    rows, columns = (
        keys_weights(n, m) for n, m in zip(image.shape, size, strict=False)
    )
    expected = np.einsum("ih,hwc,jw->ijc", rows, image.astype(np.float64), columns)
    resized = resize.resize(image, size)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected.clip(0, 1), atol=2e-6)


@pytest.mark.parametrize("size", SIZES)
def test_against_jax(image, size):
    expected = jax.image.resize(image, (*size, 3), method="cubic", antialias=True)
    resized = resize.resize(image, size)
    np.testing.assert_allclose(resized, np.clip(expected, 0, 1), atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_constant_stays_constant(size):
    image = np.full((30, 41, 3), (0.0, 0.3, 1.0), np.float32)
    expected = np.broadcast_to(image[0, 0], (*size, 3))
    np.testing.assert_allclose(resize.resize(image, size), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "ratio", "rows", "columns"),
    [
        ((30, 40), (1, 1), (0, 30), (5, 35)),
        ((41, 30), (1, 1), (5, 35), (0, 30)),
        ((30, 40), (3, 4), (0, 30), (0, 40)),
        ((30, 40), (2, 3), (1, 28), (0, 40)),  # 26.67 rows
        ((30, 40), (9, 1), (0, 30), (18, 21)),  # 3.33 columns
        ((5, 3), (2, 4), (1, 3), (0, 3)),  # 1.5 rows
        ((3, 4), (1, 99999), (1, 2), (0, 4)),
        ((1, 1), (3, 2), (0, 1), (0, 1)),
    ],
)
def test_crop_takes_the_middle(shape, ratio, rows, columns):
    image = np.arange(shape[0] * shape[1] * 3.0).reshape(*shape, 3)
    cropped = resize.crop(image, ratio)
    np.testing.assert_array_equal(cropped, image[slice(*rows), slice(*columns)])


def test_crop_refuses_what_is_no_ratio():
    with pytest.raises(ValueError, match=r"ratio: \(1, 0\); both must be 1 or more"):
        resize.crop(np.zeros((3, 3, 3)), (1, 0))


def test_mean_is_kept():
    y, x = np.mgrid[0:1:64j, 0:1:96j]
    waves = 0.5 + 0.4 * np.sin(9 * x + 5 * y) * np.cos(7 * y)
    image = np.stack([waves, 1 - waves, x], axis=-1).astype(np.float32)
    for size in (32, 48), (21, 31), (128, 192):
        resized = resize.resize(image, size)
        difference = resized.mean(axis=(0, 1)) - image.mean(axis=(0, 1))
        assert np.abs(difference).max() < 2e-3


@pytest.mark.parametrize("width", [20, 67, 150])
def test_ramp_stays_ramp_in_the_interior(width):
    centres = (np.arange(50) + 0.5) / 50
    image = np.broadcast_to(centres[None, :, None], (5, 50, 3))
    resized = resize.resize(image, (5, width))
    expected = (np.arange(width) + 0.5) / width
    edge = 2 * max(1, width // 50) + 2
    interior = slice(edge, -edge)
    # Keys's kernel keeps a ramp; stretched by a scale that is no whole number and then
    # sampled, it does so but for a ripple.
    tolerance = 3e-4 if width < 50 else 1e-6
    np.testing.assert_allclose(
        resized[2, interior, 1], expected[interior], atol=tolerance
    )


def test_fine_stripes_do_not_alias():
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[:, ::2] = 1
    resized = resize.resize(stripes, (16, 16))
    np.testing.assert_allclose(resized[:, 3:-3], 0.5, atol=0.02)


def test_overshoot_is_clipped():
    step = np.zeros((8, 8, 3), np.float32)
    step[:, 4:] = 1
    resized = resize.resize(step, (8, 80))
    assert resized.min() == 0
    assert resized.max() == 1
    unclipped = keys_weights(8, 80) @ step[0, :, 0]
    assert unclipped.max() > 1.05


def test_same_size_is_the_identity():
    image = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(resize.resize(image, (6, 5)), image)
    np.testing.assert_array_equal(resize.resize_longest(image, 6), image)


def test_views_are_resized_as_their_values(image):
    turned = image.transpose(1, 0, 2)[::-1]
    np.testing.assert_array_equal(
        resize.resize(turned, (20, 20)), resize.resize(turned.copy(), (20, 20))
    )


@pytest.mark.parametrize(
    ("height", "width", "longest", "expected"),
    [
        (768, 1024, 512, (384, 512)),
        (1024, 768, 512, (512, 384)),
        (100, 100, 333, (333, 333)),
        (3, 7, 14, (6, 14)),
        (1, 4, 2, (1, 2)),  # 0.5, half up
        (3, 4, 2, (2, 2)),  # 1.5, half up
        (5, 4000, 100, (1, 100)),  # 0.125, at least 1
        (10**9 - 1, 10**9, 10**6, (10**6, 10**6)),
    ],
)
def test_fit(height, width, longest, expected):
    assert resize.fit(height, width, longest) == expected


def test_fit_rounds_to_nearest():
    for height in range(1, 40):
        for longest in (1, 7, 50, 64):
            fitted, _ = resize.fit(height, 40, longest)
            assert fitted == max(1, math.floor(height * longest / 40 + 0.5))


def test_resize_longest(image):
    assert resize.resize_longest(image, 82).shape == (60, 82, 3)
    assert resize.resize_longest(image, 20).shape == (15, 20, 3)


def test_lengths_below_one_are_refused(image):
    with pytest.raises(ValueError, match="longest: 0 pixels; must be 1 or more"):
        resize.fit(3, 4, 0)
    with pytest.raises(ValueError, match=r"size: \(0, 5\) \(height, width\)"):
        resize.resize(image, (0, 5))


def test_the_square_is_the_middle():
    image = np.zeros((20, 60, 3), np.float32)
    image[:, 20:40] = 1
    assert resize.square(image, 20).min() == 1
    assert resize.square(image.swapaxes(0, 1), 32).min() > 0.99
    assert resize.square(np.ones((1, 5000, 3), np.float32), 32).shape == (32, 32, 3)


@pytest.mark.parametrize("ratio", [None, (1, 1), (2, 3), (5, 1)])
@pytest.mark.parametrize("size", [None, (17, 23), (30, 41), (40, 60)])
def test_rows_make_what_the_whole_makes(image, ratio, size):
    def rows(top, bottom, channels):
        return image[top:bottom][..., channels]

    expected = resize.crop(image, ratio) if ratio else image
    expected = resize.resize(expected, size) if size else expected
    found = resize.resize_rows(rows, image.shape[:2], ratio=ratio, size=size)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
def test_large_rows_are_asked_for_a_few_at_a_time():
    """And make the same, of more pixels than are held at once."""
    image = np.random.default_rng(0).random((4, 2**21, 3), np.float32)
    wide, asked = np.concatenate([image] * 3, axis=1), []

    def rows(top, bottom, channels):
        asked.append((bottom - top) * wide.shape[1])
        return wide[top:bottom][..., channels]

    found = resize.resize_rows(rows, wide.shape[:2], size=(3, 50))
    np.testing.assert_array_equal(found, resize.resize(wide, (3, 50)))
    assert max(asked) < wide.shape[0] * wide.shape[1]


def test_what_is_read_small_has_no_longer_side(tmp_path):
    waves = np.random.default_rng(0).random((40, 60, 3))
    files.write(tmp_path / "a.png", waves)
    body = (tmp_path / "a.png").read_bytes()
    for given in (tmp_path / "a.png", body):
        assert files.read_small(given, 30).shape == (20, 30, 3)
        square = files.read_small(given, 30, ratio=(1, 1))
        middle = files.read(given)[:, 10:50]
        np.testing.assert_allclose(square, resize.resize(middle, (30, 30)), atol=1e-5)
        # A part that is no longer stays as it is.
        np.testing.assert_array_equal(files.read_small(given, 40, ratio=(1, 1)), middle)
