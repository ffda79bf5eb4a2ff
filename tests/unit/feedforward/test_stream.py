"""Pictures go in and come out in their order, what is wrong with one alone."""

import threading
import time

import numpy as np
import pytest
from support import stylizers
from support.batch_folder import picture
from support.masks import halves

from nst_jax.errors import ImageError, OptionsError, TooSmallError
from nst_jax.feedforward.apply import Painter
from nst_jax.feedforward.options import Options
from nst_jax.feedforward.stream import Overlapped
from nst_jax.images import color


@pytest.fixture(scope="module")
def stylizer():
    return stylizers.stylizer(stylizers.SEVERAL)


@pytest.fixture(scope="module")
def painter(stylizer):
    return Painter(stylizer, Options())


def overlapped(painter, read, **keywords):
    look = painter.own(1)
    return Overlapped(
        painter,
        lambda item: (read(item), look),
        lambda item, image, seconds: image,
        **keywords,
    )


@pytest.mark.slow  # A program for each number.
def test_they_are_the_same_however_many_at_once(painter):
    images = [picture(n, 16, 20) for n in range(5)]
    alone, together = (
        list(overlapped(painter, lambda n: images[n], most=most).of(range(5)))
        for most in (lambda frame: 1, lambda frame: 3)
    )
    for number, ((item, one), (other, image)) in enumerate(
        zip(alone, together, strict=True)
    ):
        assert item == other == number
        np.testing.assert_allclose(image, one, atol=2e-5)
    assert np.abs(alone[0][1] - alone[1][1]).max() > 0.01
    assert painter.spent.compile > 0
    assert painter.spent.paint > 0


@pytest.mark.slow
def test_what_is_wrong_with_one_is_said_at_its_place(painter):
    def read(number):
        if number == 1:
            raise ImageError("one.png: gone")
        return picture(number, *((8, 20) if number == 3 else (16, 20)))

    found = dict(overlapped(painter, read).of(range(5)))
    assert list(found) == list(range(5))
    assert str(found[1]) == "one.png: gone"
    assert isinstance(found[3], TooSmallError)
    assert all(isinstance(found[n], np.ndarray) for n in (0, 2, 4))


def test_what_came_before_an_error_of_the_source_is_given(painter):
    def items():
        yield from range(3)
        raise ImageError("cut short")

    found = []
    with pytest.raises(ImageError, match="cut short"):
        found.extend(
            item
            for item, _ in overlapped(painter, lambda n: picture(n, 16, 20)).of(items())
        )
    assert found == [0, 1, 2]


def test_an_answer_comes_before_the_next_question(painter):
    answered = threading.Semaphore(1)

    def items():
        for number in range(4):
            # Whoever asks waits for the answer first.
            assert answered.acquire(timeout=20)
            yield number

    for _ in overlapped(painter, lambda n: picture(n, 16, 20)).of(items()):
        answered.release()


def test_no_more_is_read_than_is_soon_painted(painter):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    flow = overlapped(painter, lambda n: picture(0, 16, 20)).of(items())
    for _ in range(3):
        next(flow)
    time.sleep(0.3)
    assert len(taken) < 20
    flow.close()
    assert threading.active_count() < 20


def test_streams_of_the_library(stylizer):
    images = [picture(n, 16, 20) for n in range(3)]
    found = list(stylizer.stream(iter(images), 1))
    assert [image.shape for image in found] == [(16, 20, 3)] * 3
    assert np.abs(found[0] - found[2]).max() > 0.01
    mask = halves(32, 40)
    masked = next(stylizer.stream(images, 1, mask=mask, color_mask=1 - mask[::-1]))
    np.testing.assert_array_equal(masked[:, 10:], images[0][:, 10:])
    coloured = color.with_luminance(images[0], found[0])
    np.testing.assert_allclose(masked[:, :10], coloured[:, :10], atol=1e-6)
    options = Options(mask_feather=4.0)
    soft = next(stylizer.stream(images, 1, keep_mask=mask, options=options))
    assert np.abs(soft - images[0])[:, 9].max() > 0.01
    assert np.abs(soft - found[0])[:, 10].max() > 0.01
    with pytest.raises(ImageError, match="of another aspect ratio than the picture"):
        next(stylizer.stream(images, 1, mask=mask.T))
    with pytest.raises(OptionsError, match="is not known"):
        next(stylizer.stream(images, 7))
    with pytest.raises(TooSmallError, match="16 a side"):
        list(stylizer.stream([picture(0, 8, 8)], 1))
