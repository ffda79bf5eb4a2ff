"""The loss curve: its points against a log scale worked out by hand."""

import math

import pytest

from nst_jax.display import loss_curve


def test_points_lie_on_a_log_scale():
    made = loss_curve.curve([[0, 1000.0], [1, 100.0], [2, 10.0], [4, 1.0]])
    ((a, b, c, d),) = made.strokes
    # Equal ratios are equal heights; higher losses are higher up, that is smaller y.
    assert b[1] - a[1] == pytest.approx(c[1] - b[1], abs=0.11)
    assert d[1] - c[1] == pytest.approx(c[1] - b[1], abs=0.11)
    assert b[1] > a[1]
    # Iterations are even.
    assert b[0] - a[0] == pytest.approx((d[0] - c[0]) / 2, abs=0.11)
    assert (made.first, made.last) == (1000, 1)


def test_ticks_lie_where_their_values_do():
    made = loss_curve.curve([[i, 2000 * 0.5**i] for i in range(11)])
    (stroke,) = made.strokes
    assert [label for label, _ in made.up] == ["10", "100", "1000"]
    # 2000 / 2**i -> the stroke's height at i: from the two ends, interpolated in logs.
    (_, y0), (_, y1) = stroke[0], stroke[-1]
    for label, y in made.up:
        share = math.log(2000 / float(label), 2) / 10
        assert y == pytest.approx(y0 + share * (y1 - y0), abs=0.2)
    assert dict(made.across)["10"] == pytest.approx(stroke[-1][0], abs=0.1)


def test_what_a_log_scale_lacks_leaves_a_gap():
    losses = [[0, 9.0], [1, 8.0], [2, None], [3, 0.0], [4, 7.0], [5, -1.0], [6, 6.0]]
    made = loss_curve.curve(losses)
    assert [len(stroke) for stroke in made.strokes] == [2, 1, 1]


@pytest.mark.parametrize("losses", [[], [[0, None]], [[0, 0.0], [1, -2.0]]])
def test_no_points(losses):
    assert loss_curve.curve(losses) is None


@pytest.mark.parametrize(
    "losses",
    [
        [[0, 5.0]],
        [[0, 5.0], [1, 5.0]],
        [[3, 1e-30], [9, 1e30]],
        [[0, 1e-59], [1, 1e59], [2, 1e300]],
        [[0, 1.0000001], [1, 1.0]],
    ],
)
def test_odd_ranges_stay_inside(losses):
    made = loss_curve.curve(losses)
    for stroke in made.strokes:
        for x, y in stroke:
            assert made.LEFT <= x <= made.RIGHT
            assert made.TOP <= y <= made.BOTTOM
    assert 1 <= len(made.up) <= 8


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 1000, [1, 10, 100, 1000]),
        (20, 2500, [30, 100, 300, 1000]),
        (20, 240, [20, 50, 100, 200]),
        (95, 250, [100, 150, 200]),
        (360, 400, [360, 370, 380, 390, 400]),
        (1e-9, 1e9, [1e-9, 1e-5, 1e-1, 1e3, 1e7]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert loss_curve.decade_ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([[0, 3e8], [1, 9e4]], {"10⁵", "10⁶", "10⁷", "10⁸"}),
        ([[0, 1e-4], [1, 2e-5]], {"2·10⁻⁵"}),
    ],
)
def test_labels_of_large_and_small_numbers(losses, expected):
    assert expected <= {label for label, _ in loss_curve.curve(losses).up}
