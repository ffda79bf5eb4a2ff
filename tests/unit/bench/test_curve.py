"""The memory of a program over its time."""

from bench import curve


def test_each_point_is_the_highest_of_its_span():
    points = [(0.0, 1), (1.0, 5), (2.0, 2), (3.0, 3), (4.0, 9)]
    assert curve.thinned(points, 3) == [(1.0, 5), (3.0, 3), (4.0, 9)]
    assert curve.thinned(points, 300) == points
    assert curve.thinned([], 300) == []


def test_a_command_is_watched_to_its_end(capsys):
    found = curve.watched(["presets"], every=0.01)
    assert found["status"] == 0
    assert found["command"] == ["presets"]
    assert "classic" in capsys.readouterr().out
    held = [bytes_ for _, bytes_ in found["curve"]]
    assert 10**6 < max(held) <= found["peak_bytes"]


def test_a_failed_command_tells_its_status(capsys):
    found = curve.watched(["presets", "--nothing"], every=0.01)
    assert found["status"] != 0
    assert any("--nothing" in line for line in found["said"])
