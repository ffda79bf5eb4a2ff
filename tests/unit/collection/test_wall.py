"""One photo in many styles is a wall of about a square."""

import numpy as np
import pytest

from nst_jax.collection.wall import wall

SHAPE = 20, 30


def test_rows_of_pictures_in_their_order():
    shades = np.linspace(0, 0.9, 7)
    pictures = [np.full((*SHAPE, 3), shade, np.float32) for shade in shades]
    shapes, names = [SHAPE] * 4 + [None] + [SHAPE] * 3, [f"n{n}" for n in range(8)]
    drawn = wall(iter([*pictures[:4], None, *pictures[4:]]), iter(shapes), names)
    image = np.asarray(drawn) / 255
    high, wide = image.shape[:2]
    assert 0.5 < high / wide < 1
    rows, columns = 3, 3
    for number, shade in enumerate([*shades[:4], None, *shades[4:]]):
        row, column = divmod(number, columns)
        middle = image[
            int(high * (row + 0.4) / rows), int(wide * (column + 0.5) / columns)
        ]
        if shade is not None:
            np.testing.assert_allclose(middle, shade, atol=0.01)
    with pytest.raises(ValueError, match="too many"):
        wall([None] * 200_000, [None] * 200_000, [""] * 200_000)
