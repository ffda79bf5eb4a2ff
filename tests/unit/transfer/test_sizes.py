"""The sizes of a coarse-to-fine run and its iterations at each."""

import itertools

import pytest

from nst_jax.options import Options
from nst_jax.transfer.sizes import Scale, scales

SIZES = (16, 63, 64, 100, 112, 127, 128, 200, 255, 256, 333, 512, 768, 1000, 2048)


def found(**options) -> tuple[Scale, ...]:
    return scales(Options(**options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"size": 512, "steps": 300, "pyramid": 3},
            [(128, 100), (256, 200), (512, 300)],
        ),
        ({"size": 500, "steps": 100, "pyramid": 3}, [(128, 33), (256, 66), (500, 100)]),
        ({"size": 600, "steps": 7, "pyramid": 2}, [(304, 3), (600, 7)]),
        # The third would be 32 pixels.
        ({"size": 128, "steps": 10, "pyramid": 3}, [(64, 5), (128, 10)]),
        # Half of it is nearer to 64 than to 48; and the other way about.
        ({"size": 114, "steps": 10, "pyramid": 3}, [(64, 5), (114, 10)]),
        ({"size": 110, "steps": 10, "pyramid": 3}, [(110, 10)]),
        ({"size": 64, "steps": 10, "pyramid": 3}, [(64, 10)]),
        ({"size": 16, "steps": 10, "pyramid": 3}, [(16, 10)]),
    ],
)
def test_by_hand(options, expected):
    assert found(**options) == tuple(expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pyramid", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("steps", [0, 1, 2, 500])
def test_sizes_ascend_to_the_full_one_and_iterations_to_all(size, pyramid, steps):
    stages = found(size=size, pyramid=pyramid, steps=steps)
    assert 1 <= len(stages) <= pyramid
    assert stages[-1] == (size, steps)
    for scale in stages[:-1]:
        assert scale.size % 16 == 0
        assert scale.size >= 64
    for coarse, fine in itertools.pairwise(stages):
        assert coarse.size < fine.size
        # About half, as near as multiples of 16 can be.
        assert abs(coarse.size - fine.size / 2) <= 12
        assert coarse.until <= fine.until
    # Equal shares, but for the remainder.
    ends = [0, *(scale.until for scale in stages)]
    shares = [b - a for a, b in itertools.pairwise(ends)]
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("size", SIZES)
def test_one_size_is_the_full_one(size):
    assert found(size=size, steps=30, pyramid=1) == ((size, 30),)
    assert found(size=size, steps=30) == ((size, 30),)


def test_fewer_steps_than_sizes():
    assert found(size=512, steps=2, pyramid=3) == ((128, 0), (256, 1), (512, 2))
    assert found(size=512, steps=1, pyramid=3) == ((128, 0), (256, 0), (512, 1))
    assert found(size=512, steps=0, pyramid=3) == ((128, 0), (256, 0), (512, 0))


def test_more_sizes_than_fit_stop_at_64_pixels():
    stages = found(size=1024, steps=40, pyramid=9)
    assert [scale.size for scale in stages] == [64, 128, 256, 512, 1024]
