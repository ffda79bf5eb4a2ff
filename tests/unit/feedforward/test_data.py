"""Photos to train on: an order that follows from the seed, broken ones left out."""

import itertools
import time
from pathlib import Path

import numpy as np
import pytest

from nst_jax.errors import ImageError, OptionsError
from nst_jax.feedforward.data import Photos, pictures_in, readable
from nst_jax.images import crops, files

PATHS = [Path(f"{n}.jpg") for n in range(7)]


def number(path, size, rng):
    """A square that tells its file and its random numbers."""
    return np.array([int(path.stem), rng.integers(1000)])


def batches(count, **changes):
    how = {"size": 8, "batch": 3, "seed": 5, "read": number, **changes}
    photos = Photos(PATHS, **how)
    found = list(itertools.islice(photos, count))
    photos.close()
    return found, photos


def test_batches_follow_from_seed_and_number_alone():
    one, _ = batches(9, threads=1)
    many, photos = batches(9, threads=4)
    np.testing.assert_array_equal(one, many)
    assert photos.position == 27
    other, _ = batches(9, seed=6)
    assert (np.array(one) != other).any()


def test_each_epoch_has_each_photo_once_in_an_order_of_its_own():
    found, _ = batches(7, threads=2)
    names = np.concatenate(found)[:, 0].reshape(3, 7)
    assert [sorted(epoch) for epoch in names] == [list(range(7))] * 3
    assert len({tuple(epoch) for epoch in names}) == 3


def test_it_goes_on_from_a_position():
    whole, _ = batches(8)
    _, before = batches(3)
    rest, _ = batches(5, position=before.position)
    np.testing.assert_array_equal(whole[3:], rest)


def test_slow_reading_changes_no_order():
    def slow(path, size, rng):
        time.sleep(0.01 * (int(path.stem) % 3))
        return number(path, size, rng)

    np.testing.assert_array_equal(batches(4)[0], batches(4, read=slow, threads=4)[0])


def test_broken_photos_are_left_out_and_counted():
    def broken(path, size, rng):
        if path.stem in ("2", "5"):
            raise ImageError(f"{path}: is damaged")
        return number(path, size, rng)

    found, photos = batches(6, read=broken)
    assert {int(n) for n in np.concatenate(found)[:, 0]} == {0, 1, 3, 4, 6}
    assert photos.broken == {p: f"{p}: is damaged" for p in ("2.jpg", "5.jpg")}
    rest, _ = batches(2, read=broken, position=photos.position)
    np.testing.assert_array_equal(batches(8, read=broken)[0][6:], rest)


def test_a_folder_of_broken_photos_is_an_error():
    def broken(path, size, rng):
        raise ImageError(f"{path}: is damaged")

    with pytest.raises(ImageError, match=r"\.jpg: is damaged"):
        batches(1, read=broken)


def test_no_photos_is_an_error(tmp_path):
    with pytest.raises(OptionsError, match="no photos"):
        Photos([], size=8, batch=2, seed=0)
    with pytest.raises(OptionsError, match="holds no pictures"):
        pictures_in(tmp_path)
    with pytest.raises(OptionsError, match="no such folder"):
        pictures_in(tmp_path / "none")


def test_pictures_are_found_below_a_folder(tmp_path):
    (tmp_path / "b/c").mkdir(parents=True)
    for name in ("z.JPG", "b/a.png", "b/c/d.webp", "b/notes.txt", ".hidden.jpg"):
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in pictures_in(tmp_path)]
    assert found == ["b/a.png", "b/c/d.webp", "z.JPG"]


@pytest.mark.parametrize("shape", [(40, 90), (300, 64), (33, 33)])
def test_squares_are_parts_of_the_photo(tmp_path, shape):
    # Red tells the row, green the column: a part of it is a smooth ramp of them.
    rows, columns = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    image = np.stack([rows, columns, np.zeros(shape)], axis=-1).astype(np.float32)
    path = tmp_path / "ramp.png"
    files.write(path, image)
    sides = []
    for seed in range(12):
        square = crops.random_square(path, 32, np.random.default_rng(seed))
        assert (square.shape, square.dtype) == ((32, 32, 3), np.uint8)
        down = np.diff(square[..., 0].astype(float), axis=0)
        across = np.diff(square[..., 1].astype(float), axis=1)
        assert down.min() >= 0
        assert across.min() >= 0 or across.max() <= 0  # Mirrored.
        sides.append(square[..., 0].max() - square[..., 0].min())
    assert len(set(sides)) > 1  # Of several scales.


def test_readable_photos_are_taken_in_order_and_others_said(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "abcde"]
    for path in paths:
        files.write(path, np.zeros((16, 16, 3), np.float32))
    paths[0].write_text("notes")
    paths[2].write_bytes(paths[2].read_bytes()[:60])
    said: list[str] = []
    assert readable(paths, 2, said.append) == [paths[1], paths[3]]
    assert [line.split(": ")[:3] for line in said] == [
        ["nst-jax", "left out", str(path)] for path in (paths[0], paths[2])
    ]
    assert readable(paths[2:], 9, said.append) == paths[3:]
    with pytest.raises(ImageError, match=r"c\.png: can't be decoded"):
        readable(paths[:1] + paths[2:3], 2, said.append)
