"""The sizes of a pyramid, and the iterations at each."""

import dataclasses

import pytest

from nst_jax.options import Options
from nst_jax.transfer.sizes import scales


@pytest.mark.parametrize(
    ("size", "pyramid", "steps", "expected"),
    [
        (512, 1, 500, [(512, 500)]),
        (512, 2, 500, [(256, 250), (512, 500)]),
        (512, 3, 100, [(128, 33), (256, 66), (512, 100)]),
        (500, 3, 9, [(128, 3), (256, 6), (500, 9)]),  # Multiples of 16, but the last.
        (200, 9, 7, [(96, 3), (200, 7)]),  # None below 64.
        (100, 3, 7, [(100, 7)]),
        (128, 2, 0, [(64, 0), (128, 0)]),
    ],
)
def test_by_hand(size, pyramid, steps, expected):
    options = Options(size=size, pyramid=pyramid, steps=steps)
    assert [tuple(scale) for scale in scales(options)] == expected


def test_sizes_ascend_and_end_with_the_full_one_after_all_steps():
    for size in range(16, 1300, 7):
        options = Options(size=size, steps=97)
        for pyramid in range(1, 7):
            found = scales(dataclasses.replace(options, pyramid=pyramid))
            sizes, until = zip(*found, strict=True)
            assert sorted(set(sizes)) == list(sizes)
            assert sorted(until) == list(until)
            assert (sizes[-1], until[-1]) == (size, 97)
            assert all(s % 16 == 0 and s >= 64 for s in sizes[:-1])
            assert len(found) <= pyramid
