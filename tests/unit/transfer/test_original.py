"""`size="original"`: each result has the longest side of its own photo."""

import dataclasses

import numpy as np
import pytest
from support.batch_pictures import PAINTINGS, PHOTOS, SHALLOW, assert_same, job, picture
from support.classic import classic

from nst_jax.errors import OptionsError, TooSmallError
from nst_jax.images.source import Source
from nst_jax.options import Options
from nst_jax.transfer import idle
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.sizes import of_one_size, settled, sides

ORIGINAL = dataclasses.replace(SHALLOW, size="original", steps=2)


def test_a_job_is_settled_by_its_photo_or_its_crop():
    def made(options):
        one = job(picture(1, 30, 47), PAINTINGS[0], options)
        shapes = {one.content.key: (30, 47), one.styles[0].key: (20, 20)}
        return one, settled(one, shapes)

    assert made(ORIGINAL)[1].options.size == 47
    assert made(dataclasses.replace(ORIGINAL, crop="1:2"))[1].options.size == 30
    numbered, itself = made(SHALLOW)
    assert itself is numbered


@pytest.mark.parametrize(
    ("photo", "painting", "pyramid", "expected"),
    [
        ((300, 400), (500, 300), 0, (64, 128, 256, 512)),  # Of both.
        ((100, 512), (9, 9), 0, (128, 256, 512)),  # 12 x 64 isn't there.
        ((9, 9), (2048, 100), 0, (512,)),  # Of a painting too: 12 x 256.
        ((8, 512), (9, 9), 0, (512,)),  # At least the full size.
        ((100, 512), (9, 9), 4, (64, 128, 256, 512)),  # As many as were asked for.
    ],
)
def test_pyramids_have_no_size_at_which_a_picture_is_too_thin(
    photo, painting, pyramid, expected
):
    one = Job(Source("a.png"), (Source("p.png"),), classic(pyramid=pyramid))
    found = settled(one, {"a.png": photo, "p.png": painting})
    assert sides(found.options) == expected


def test_photos_that_are_no_size_are_said():
    one = Job(Source("small.png"), (Source("p.png"),), ORIGINAL)
    with pytest.raises(TooSmallError, match=r"small.png: its longest side has 15 pix"):
        settled(one, {"small.png": (9, 15), "p.png": (9, 9)})
    with pytest.raises(TooSmallError, match="give a size instead of original"):
        settled(one, {"small.png": (9, 65537), "p.png": (9, 9)})


def test_jobs_of_one_size_go_together_in_the_order_of_the_first():
    sizes = [33, 40, 33, 24, 40]
    jobs = {
        n: job(PHOTOS[0], PAINTINGS[0], classic(size=s)) for n, s in enumerate(sizes)
    }
    assert [list(found) for found in of_one_size(jobs)] == [[0, 2], [1, 4], [3]]


@pytest.mark.slow  # Two programs.
def test_each_photo_is_made_at_its_own_size(alone, together):
    photos, lines, progress = [picture(5, 24, 33), picture(6, 40, 29)], [], []
    found = together(
        *(photos, PAINTINGS[0], ORIGINAL),
        on_progress=progress.append,
        report=lines.append,
        lanes=1,
    )
    for photo, result in zip(photos, found, strict=True):
        size = max(photo.shape)
        assert result.image.shape == photo.shape
        assert result.options == ORIGINAL
        numbered = dataclasses.replace(ORIGINAL, size=size)
        assert_same(result, alone(photo, PAINTINGS[0], numbered))
    # Of two sizes, and still one batch.
    assert {(p.finished, p.total) for p in progress} == {(0, 2), (1, 2)}
    assert [line.count("is enlarged") for line in lines] == [1]


def test_what_is_wrong_with_one_photo_is_its_own(run_jobs):
    jobs = [job(p, PAINTINGS[0], ORIGINAL) for p in (picture(7, 9, 12), PHOTOS[0])]
    found = run_jobs(jobs)
    assert isinstance(found[0], TooSmallError)
    assert found[1].image.shape == PHOTOS[0].shape


def test_a_pyramid_that_a_photo_is_too_small_for_is_said():
    options = dataclasses.replace(ORIGINAL, pyramid=3, steps=6)
    small = job(PHOTOS[0], PAINTINGS[0], options)
    line = "--pyramid has no effect with --size=33"
    assert idle.lines([small], ["pyramid"]) == [line]
    large = job(picture(8, 140, 90), PAINTINGS[0], options)
    assert idle.lines([large], ["pyramid"]) == [
        "--pyramid=3 is --pyramid=2 with --size=140"
    ]
    deep = job(picture(9, 300, 90), PAINTINGS[0], options)
    assert idle.lines([small, deep], ["pyramid"]) == []
    missing = Job(Source("none.png"), (Source("p.png"),), options)
    assert idle.lines([missing], ["pyramid"]) == []


def test_the_word_is_a_value_like_others():
    assert Options(size="original").size == "original"
    for bad in ("Original", "own", ""):
        with pytest.raises(OptionsError, match="size="):
            Options(size=bad)
    one = job(PHOTOS[0], PAINTINGS[0], ORIGINAL)
    contents = {source.key: source.key for source in one.sources}
    digests = {
        job(PHOTOS[0], PAINTINGS[0], options).digest(contents, "w")
        for options in (ORIGINAL, dataclasses.replace(ORIGINAL, size=33))
    }
    assert len(digests) == 2
    assert np.shape(PHOTOS[0])[0] == 33
