"""The sizes of a pyramid, and the iterations at each."""

import dataclasses

import pytest

from nst_jax.images import resize
from nst_jax.options import Options
from nst_jax.transfer.sizes import enough, scales, style_size


@pytest.mark.parametrize(
    ("size", "pyramid", "steps", "expected"),
    [
        (512, 1, 500, [(512, 500)]),
        (512, 2, 500, [(256, 250), (512, 500)]),
        (512, 3, 100, [(128, 33), (256, 66), (512, 100)]),
        (500, 3, 9, [(128, 3), (256, 6), (500, 9)]),  # Multiples of 16, but the last.
        (200, 9, 7, [(96, 3), (200, 7)]),  # None below 64.
        (100, 3, 7, [(100, 7)]),
        (128, 2, 0, [(128, 0)]),  # The photo as it is, not enlarged.
        (512, 4, 2, [(128, 1), (512, 2)]),  # No size without an iteration.
    ],
)
def test_by_hand(size, pyramid, steps, expected):
    options = Options(size=size, pyramid=pyramid, steps=steps)
    assert [scale[:2] for scale in scales(options)] == expected


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (512, [128, 176, 256, 368, 512]),
        (1024, [128, 176, 256, 368, 512, 720, 1024]),
        (100, [100]),
    ],
)
def test_sizes_by_the_root_of_two(size, sizes):
    options = Options(
        size=size,
        steps=500 * (len(sizes) + 1),
        pyramid=0,
        pyramid_step=2**0.5,
        pyramid_from=128,
        pyramid_first=2.0,
    )
    until = [1000 + 500 * k for k in range(len(sizes))]
    assert [s[:2] for s in scales(options)] == list(zip(sizes, until, strict=True))


@pytest.mark.parametrize(("step", "least"), [(1.05, 64), (1.1, 64), (1.1, 16)])
def test_small_steps_reach_the_smallest_size(step, least):
    """Where two sizes are one multiple of 16, the next is looked at."""
    options = Options(pyramid=0, pyramid_step=step, pyramid_from=least)
    sizes = [scale.size for scale in scales(options)]
    assert sizes[0] == least
    assert sizes == sorted(set(sizes))


def test_sizes_ascend_and_end_with_the_full_one_after_all_steps():
    for size in range(16, 1300, 7):
        options = Options(size=size, steps=97)
        for pyramid in range(1, 7):
            found = scales(dataclasses.replace(options, pyramid=pyramid))
            sizes, until, _ = zip(*found, strict=True)
            assert sorted(set(sizes)) == list(sizes)
            assert sorted(until) == list(until)
            assert (sizes[-1], until[-1]) == (size, 97)
            assert all(s % 16 == 0 and s >= 64 for s in sizes[:-1])
            assert len(found) <= pyramid


@pytest.mark.parametrize(
    ("shape", "options", "style", "expected"),
    [
        ((1, 32), Options(size=32, pyramid=1), False, 240),  # 7.5 -> 8 x 240
        ((3, 45), Options(size=33, pyramid=1), False, 128),  # 8.5 -> 9 x 128
        ((45, 3), Options(size=33, pyramid=1), False, 128),
        ((1, 32), Options(size=32, pyramid=1, style_scale=2.0), True, 128),
        ((1, 32), Options(size=32, pyramid=1, style_scale=2.0), False, 240),
        ((1, 4), Options(size=16, pyramid=2), False, 32),
        ((1, 16), Options(size=128, pyramid=2), False, 240),  # 8 x 128 first
        ((2, 22), Options(size=128, pyramid=2), False, 160),  # 15 x 160, 7.5 x 80
        ((1, 65_000), Options(size=32, pyramid=1), False, None),
    ],
)
def test_enough_is_where_a_picture_becomes_large_enough(
    shape, options, style, expected
):
    def fits(of):
        return min(of) >= 8

    size = enough(shape, options, fits, style=style)
    assert size == expected
    if size:
        for of, good in ((size, True), (size - 16, False)):
            longer = dataclasses.replace(options, size=of)
            sides = [of, scales(longer)[0].size]
            full, coarsest = [style_size(n, longer) if style else n for n in sides]
            reduced = resize.fit(*resize.fit(*shape, full), coarsest)
            assert fits(reduced) == good


def test_of_more_sizes_than_there_are_those_are_taken_that_there_are():
    for step in (1.05, 2.0, 8.0):
        asked = Options(size=64, pyramid=10**9, pyramid_from=16, pyramid_step=step)
        sizes = [scale.size for scale in scales(asked)]
        assert (sizes[0], sizes[-1]) == (16, 64)
        assert sizes == sorted(set(sizes))
