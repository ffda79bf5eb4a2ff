"""The pictures of jobs: sizes, crops, colours, starts, frames."""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import ADAM, PAINTINGS, PHOTOS, job, picture
from support.classic import classic

from nst_jax.errors import ImageError
from nst_jax.images import color, files, noise, resize
from nst_jax.images.frames import frames
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.sizes import enlarged

OPTIONS = dataclasses.replace(ADAM, size=32)


def pictures_of(jobs, **keywords):
    sources = {source for one in jobs for source in one.sources}
    return Pictures(jobs, {s.key: s.shape() for s in sources}, **keywords)


def lane_of(one, size=None):
    made = pictures_of([one])
    return made, made.lane(one, size or one.options.size)


def changed(**options):
    return dataclasses.replace(OPTIONS, **options)


def test_photo_and_painting_get_their_sizes():
    _, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], changed(style_scale=1.5)))
    np.testing.assert_array_equal(
        lane.content.pixels, resize.resize_longest(PHOTOS[2], 32)
    )
    np.testing.assert_array_equal(
        lane.styles[0].pixels, resize.resize_longest(PAINTINGS[0], 48)
    )


def test_coarse_sizes_are_made_of_the_full_one():
    options = changed(size=128, pyramid=2)
    _, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], options), 64)
    full = resize.resize_longest(PHOTOS[2], 128)
    np.testing.assert_array_equal(lane.content.pixels, resize.resize_longest(full, 64))


def test_crops_are_taken_before_sizes():
    photos = [picture(1, 40, 60), picture(2, 70, 33)]
    jobs = [job(p, PAINTINGS[0], changed(crop="3:2", size=31)) for p in photos]
    made = pictures_of(jobs)
    for photo, one in zip(photos, jobs, strict=True):
        lane = made.lane(one, 31)
        # Of pictures of all shapes exactly the same size.
        assert lane.content.extent == lane.content.frame == (21, 31)
        expected = resize.resize(resize.crop(photo, (2, 3)), (21, 31))
        np.testing.assert_array_equal(lane.content.pixels, expected)


@pytest.mark.parametrize("init", ["noise", "mean", "gaussian", "pink"])
def test_noise_to_start_from_is_that_of_its_name_and_seed(init):
    made, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], changed(init=init, seed=5)))
    function = {"noise": noise.uniform}.get(init) or getattr(noise, init)
    expected = function(np.random.default_rng(5), lane.content.extent)
    np.testing.assert_array_equal(made.start(lane, 32), expected)


def test_pictures_to_start_from(tmp_path):
    path = str(tmp_path / "start.png")
    files.write(path, PAINTINGS[1])
    for init, expected in {
        "content": resize.resize_longest(PHOTOS[2], 32),
        "style": resize.resize(PAINTINGS[0], (24, 32)),
        path: resize.resize(files.read(path), (24, 32)),
    }.items():
        made, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], changed(init=init)))
        np.testing.assert_array_equal(made.start(lane, 32), expected)


def test_light_and_dark_alone_are_grey_for_the_network_and_get_the_photos_colours():
    options = changed(color="luminance", init="style")
    made, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], options))
    photo = resize.resize_longest(PHOTOS[2], 32)
    content = color.grey(photo)
    np.testing.assert_allclose(lane.content.pixels, content, atol=1e-6)
    style = resize.resize_longest(PAINTINGS[0], 32)
    np.testing.assert_array_equal(
        lane.styles[0].pixels, color.match_luminance(style, lane.content.pixels)
    )
    start = made.start(lane, 32)
    assert np.ptp(start, axis=-1).max() < 1e-6
    np.testing.assert_allclose(
        made.finished(lane, start), color.with_luminance(photo, start), atol=1e-6
    )


def test_matched_afterwards_is_the_finished_picture_only():
    options = changed(color_after="histogram")
    made, lane = lane_of(job(PHOTOS[2], PAINTINGS[0], options))
    photo = resize.resize_longest(PHOTOS[2], 32)
    np.testing.assert_array_equal(lane.content.pixels, photo)
    image = picture(5, 24, 32)
    np.testing.assert_array_equal(
        made.finished(lane, image), color.match_histograms(image, photo)
    )


# Frames.


def test_photos_that_share_a_frame_share_it_at_every_size():
    options = changed(size=128, pyramid=2)
    jobs = [job(picture(i, 128, 90 + i), PAINTINGS, options) for i in range(4)]
    jobs.append(job(picture(9, 90, 128), PAINTINGS, options))
    made = pictures_of(jobs)
    full = [made.frame(one) for one in jobs]
    shapes = [one.content.shape() for one in jobs]
    assert full == [frames(shapes)[shape] for shape in shapes]
    assert len(set(full)) == 2
    coarse = [made.frame(one, 64) for one in jobs]
    assert len(set(coarse)) == 2
    for one in jobs:
        lane = made.lane(one, 64)
        assert np.less_equal(lane.content.extent, lane.content.frame).all()
        assert lane.content.pixels.shape[:2] == lane.content.frame
        down, across = lane.content.extent
        assert not lane.content.pixels[down:].any()
        assert not lane.content.pixels[:, across:].any()
        assert lane.content.masked == (one is not jobs[-1])
    np.testing.assert_array_equal(
        lane.content.cut(lane.content.pixels), lane.content.load()
    )


def test_a_frame_that_others_do_not_fill_is_masked_for_all():
    jobs = [job(picture(i, 32, 24 - i), PAINTINGS, OPTIONS) for i in range(2)]
    lanes = [pictures_of(jobs).lane(one, 32) for one in jobs]
    assert lanes[0].content.extent == lanes[0].content.frame
    assert all(lane.content.masked for lane in lanes)
    assert not lane_of(jobs[0])[1].content.masked


def test_equal_pictures_are_equal_whoever_asks():
    one, other = (job(p, PAINTINGS, OPTIONS) for p in (PHOTOS[0], PHOTOS[0].copy()))
    assert lane_of(one)[1].content == lane_of(other)[1].content
    recolored = job(PHOTOS[0], PAINTINGS, changed(color="linear"))
    assert lane_of(recolored)[1].content == lane_of(one)[1].content
    assert lane_of(recolored)[1].styles != lane_of(one)[1].styles


# Reading.


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    for name, pixels in {"a.png": PHOTOS[0], "b.png": PAINTINGS[0]}.items():
        files.write(tmp_path / name, pixels)
    one = job(str(tmp_path / "a.png"), str(tmp_path / "b.png"), OPTIONS)
    made = pictures_of([one])
    lane = made.lane(one, 32)
    for name in ("a.png", "b.png"):
        (tmp_path / name).unlink()
    for unread in (lambda: lane.content.pixels, lambda: made.load(one)):
        with pytest.raises(ImageError, match=r"a\.png: no such file"):
            unread()


def test_lines_about_a_picture_come_once(tmp_path):
    from PIL import Image

    path, lines = tmp_path / "a.png", []
    Image.new("RGBA", (40, 30), (10, 20, 30, 100)).save(path)
    jobs = [job(str(path), p, classic(size=s)) for p in PAINTINGS for s in (32,)]
    made = pictures_of(jobs, report=lines.append)
    for one in jobs:
        made.load(one)
        assert made.lane(one, 32).content.pixels.shape == (24, 32, 3)
    assert lines == [f"{path}: has transparency; composited on white"]


def shown(*jobs):
    sources = {source for one in jobs for source in one.sources}
    line = enlarged(jobs, {source.key: source.shape() for source in sources})
    return [] if line is None else [line]


def test_what_is_enlarged_is_said_once(tmp_path):
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "p.png")]
    for path, shape in zip(paths, [(30, 40), (48, 64), (20, 24)], strict=True):
        files.write(path, picture(1, *shape))
    one = job(paths[0], paths[1], changed(size=64))
    line = f"{paths[0]} is enlarged, from 40x30 pixels to 64x48"
    assert shown(one) == [f"{line}: a smaller size shows as much"]
    jobs = [job(c, s, changed(size=64)) for c in paths[:2] for s in paths[1:]]
    assert shown(*jobs) == [f"{line} (it and 1 more): a smaller size shows as much"]
    # At their own size, or smaller, nothing is.
    assert shown(job(paths[0], paths[1], changed(size=40))) == []
    # A crop is enlarged, where its picture wouldn't be; a painting has its own size.
    cropped = changed(size=40, crop="1:1")
    line = f"{paths[0]} is enlarged, from 30x30 pixels to 40x40"
    assert shown(job(paths[0], paths[1], cropped))[0].startswith(line)
    scaled = changed(size=40, style_scale=2.0)
    line = f"{paths[1]} is enlarged, from 64x48 pixels to 80x60"
    assert shown(job(paths[0], paths[1], scaled))[0].startswith(line)


def test_a_picture_that_changes_its_shape_is_refused(tmp_path):
    path = str(tmp_path / "a.png")
    files.write(path, PHOTOS[0])
    one = job(path, PAINTINGS[0], OPTIONS)
    made = pictures_of([one])
    files.write(path, PHOTOS[2])
    with pytest.raises(
        ImageError, match="its header says 24x33 pixels, but it has 33x"
    ):
        made.load(one)
