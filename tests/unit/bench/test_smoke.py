"""The smoke test: each fault, made here, is one line and a status."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from bench.smoke import __main__ as smoke
from bench.smoke import device, program
from bench.smoke.outcome import LEFT_OUT, RIGHT, WRONG, WrongError, passed, taken
from bench.smoke.runs import LANES, Painted

H100 = device.Device(
    platform="gpu",
    name="NVIDIA H100",
    memory={
        "bytes_limit": 60 * 2**30,
        "bytes_in_use": 2**30,
        "peak_bytes_in_use": 2**31,
    },
    driver="NVIDIA H100",
    total=256.0**3,
)
CPU = device.Device("cpu", "cpu", {}, "", 256.0**3)
NAMES = [
    *("device", "memory", "precisions", "lbfgs", "adam", "gram", "w2", "lanes"),
    *("one pass", "compile cache"),
]


class Sound:
    """Paints as it should; faults are made by replacing a method's answer."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.image = rng.random((64, 64, 3), np.float32)
        self.losses = np.float32([100, 40, 20, 10, 5])
        self.asked = []

    def alone(self, precision="float32", **how):
        self.asked.append((precision, how))
        return Painted(self.losses, self.image)

    def together(self, precision="float32"):
        return [Painted(self.losses, self.image)] * LANES

    def one_pass(self, precision, count):
        return np.stack([self.image] * count)


def ran(arguments, home):
    """Stands in for `nst-jax`: leaves a picture, and finds programs a second time."""
    (output,) = [a.split("=")[1] for a in arguments if a.startswith("--output=")]
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(output)
    return program.Ran(asked=9, found=9 if "second" in output else 0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(program, "_store", lambda workload, home: None)
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)


def outcomes(here=H100, asked="gpu", runs=None, run=ran):
    how = {"here": lambda: here, "runs": runs or Sound(), "run": run}
    return {one.name: one for one in smoke.outcomes(asked, 64, 5, **how)}


def test_all_is_right():
    for here in (H100, CPU):
        found = outcomes(here, here.platform)
        assert list(found) == NAMES
        left = [one.name for one in found.values() if one.status == LEFT_OUT]
        assert left == (["memory"] if here is CPU else [])
        assert all(one.status in (RIGHT, LEFT_OUT) for one in found.values())
        assert "\n" not in "".join(one.said for one in found.values())
    assert found["device"].said == "cpu: cpu"
    assert "tf32 is float32 on CPUs" in found["precisions"].said


def test_what_is_asked_of_a_gpu_and_of_a_cpu():
    for here, quick, precisions in (
        (H100, "bfloat16", {"float32", "tf32", "bfloat16"}),
        (CPU, "float32", {"float32", "bfloat16"}),
    ):
        runs = Sound()
        outcomes(here, "any", runs)
        assert {precision for precision, _ in runs.asked} == precisions
        for how in ({"solver": "adam"}, {"style_loss": "w2"}):
            assert (quick, how) in runs.asked


@pytest.mark.parametrize(
    ("here", "asked", "platforms", "line"),
    [
        (CPU, "gpu", "cpu", "a GPU, JAX computes on the CPU (JAX_PLATFORMS is cpu)"),
        (CPU, "tpu", "", "a TPU, JAX computes on the CPU (see `jax.devices()`)"),
        (
            dataclasses.replace(CPU, driver="NVIDIA H100"),
            *("any", "", "there is an NVIDIA H100: install jax's CUDA plugin"),
        ),
        (H100, "cpu", "", "asked for the CPU, JAX computes on a GPU"),
        (dataclasses.replace(H100, total=3.0), "gpu", "", "ones is 3.0 on this device"),
    ],
)
def test_another_device_is_told_of_and_nothing_else_is_checked(
    here, asked, platforms, line, monkeypatch
):
    monkeypatch.setenv("JAX_PLATFORMS", platforms)
    (found,) = outcomes(here, asked).values()
    assert found.status == WRONG
    assert line in found.said


def test_a_cpu_that_is_asked_for_by_the_environment_is_right(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    there = dataclasses.replace(CPU, driver="NVIDIA H100")
    assert outcomes(there, "any")["device"].status == RIGHT


def test_a_gpu_without_statistics_is_wrong():
    found = outcomes(dataclasses.replace(H100, memory={}))["memory"]
    assert found.status == WRONG
    assert "doesn't tell bytes_limit, bytes_in_use, peak_bytes_in_use" in found.said


def losses(of, **changed):
    """A run whose losses, or picture, are otherwise where `of` says so."""

    class Faulty(Sound):
        def alone(self, precision="float32", **how):
            right = super().alone(precision, **how)
            wrong = dataclasses.replace(right, **changed)
            return wrong if of(precision, how) else right

    return Faulty()


GREY = np.full((64, 64, 3), 0.5, np.float32)
HOLE = np.where(np.arange(64)[:, None, None] < 16, np.nan, GREY)


@pytest.mark.parametrize(
    ("runs", "name", "line"),
    [
        (
            losses(lambda p, _: p == "tf32", losses=np.float32([102, 40, 20, 10, 5])),
            *("precisions", "tf32's first loss is 102, float32's 100: 2 % apart"),
        ),
        (
            losses(lambda p, _: p == "bfloat16", losses=np.float32([100, 40, 9, 7, 6])),
            *("precisions", "bfloat16's last loss is 6, float32's 5: 20 % apart"),
        ),
        (
            losses(lambda p, _: p == "float32", losses=np.float32([100, 40, np.nan])),
            *("precisions", "float32: the loss is no number at iteration 2"),
        ),
        (
            losses(lambda _, how: how.get("solver") == "adam", image=HOLE),
            *("adam", "adam: the picture isn't finite: 25 % of it are no numbers"),
        ),
        (
            losses(lambda _, how: how.get("solver") == "lbfgs", image=GREY),
            *("lbfgs", "lbfgs: the picture is of one colour, 0.5"),
        ),
        (
            losses(
                lambda _, how: how.get("style_loss") == "w2",
                losses=np.float32([100, 99.9, 99.8, 99.7, 99.6]),
            ),
            *("w2", "from 100 to 99.6 in 5 iterations, which is no progress"),
        ),
        (
            losses(
                lambda _, how: how.get("painting") == LANES - 1,
                losses=np.float32([100, 40, 20.2, 10, 5]),
            ),
            *("lanes", "picture 2 of 3 side by side has other losses than alone: 0.99"),
        ),
        (
            losses(lambda _, how: how.get("painting") == 0, image=1 - Sound().image),
            *("lanes", "picture 0 of 3 is "),
        ),
    ],
)
def test_what_is_painted_wrong_is_a_line_and_the_rest_is_checked(runs, name, line):
    found = outcomes(runs=runs)
    assert list(found) == NAMES
    assert found[name].status == WRONG
    assert line in found[name].said


def test_lanes_that_are_missing(monkeypatch):
    runs = Sound()
    monkeypatch.setattr(runs, "together", lambda precision: [])
    assert "0 of 3 pictures were painted" in outcomes(runs=runs)["lanes"].said


@pytest.mark.parametrize(
    ("painted", "line"),
    [
        (lambda p, n: np.stack([HOLE] * n), "picture 0 isn't finite"),
        (lambda p, n: np.stack([Sound().image / n] * n), "beside others is "),
        (
            lambda p, n: np.stack([Sound().image * (0.5 if p != "float32" else 1)] * n),
            "bfloat16 paints pixels ",
        ),
    ],
)
def test_a_style_network_that_paints_wrong(painted, line, monkeypatch):
    runs = Sound()
    monkeypatch.setattr(runs, "one_pass", painted)
    found = outcomes(runs=runs)["one pass"]
    assert found.status == WRONG
    assert line in found.said


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (lambda a, h: dataclasses.replace(ran(a, h), asked=0, found=0), "isn't used"),
        (lambda a, h: dataclasses.replace(ran(a, h), found=2), "compiled 7 of 9"),
        (lambda a, h: program.Ran(9, 9), "left no picture"),
    ],
)
def test_a_cache_that_keeps_nothing(run, line):
    found = outcomes(run=run)["compile cache"]
    assert found.status == WRONG
    assert line in found.said


def test_what_fails_is_a_line():
    def fails() -> str:
        raise RuntimeError("RESOURCE_EXHAUSTED:\n out of memory")

    found = taken("x", fails)
    assert (found.status, found.said) == (
        WRONG,
        "RuntimeError: RESOURCE_EXHAUSTED: out of memory",
    )


@pytest.mark.slow  # A process that imports JAX.
def test_a_program_that_fails_says_why(tmp_path):
    with pytest.raises(WrongError, match=r"status 1: .*nothing\.jpg") as caught:
        program.counted(["stylize", "nothing.jpg", "x.jpg"], tmp_path)
    assert "Traceback" not in str(caught.value)


def test_the_table_and_the_status(monkeypatch, tmp_path, capsys):
    made = {"wrong": []}

    def outcomes_of(asked, size, steps):
        assert (asked, size, steps) == ("gpu", 64, 5)
        yield taken("device", lambda: "gpu: H100")
        yield taken("compile cache", lambda: made["wrong"][0])

    monkeypatch.setattr(smoke, "outcomes", outcomes_of)
    path = tmp_path / "smoke.jsonl"
    flags = ["--device=gpu", "--size=64", "--steps=5", f"--output={path}"]
    assert smoke.main(flags) == 1
    assert capsys.readouterr().out.endswith("wrong: compile cache\n")
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["status"] for one in records] == [RIGHT, WRONG]
    assert records[1]["said"] == "IndexError: list index out of range"
    assert not passed(path)
    made["wrong"] = ["9 programs"]
    assert smoke.main(flags) == 0
    said = capsys.readouterr().out
    assert "| compile cache | right | 0.0 |" in said
    assert said.endswith("all is right\n")
    assert passed(path)
    assert len(path.read_text().splitlines()) == 4


def test_what_was_cut_has_not_passed(tmp_path):
    path = tmp_path / "smoke.jsonl"
    assert not passed(path)
    path.write_text('{"name": "device", "status": "right"}\n{"name": "compile ca')
    assert not passed(path)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--size=8"], "--size=8: must be 64 at least"),
        (["--steps=1"], "--steps=1: must be 5 at least"),
        (["--output=nowhere/x"], "--output=nowhere/x: there is no such folder"),
        (["--device=npu"], "invalid choice: 'npu'"),
    ],
)
def test_bad_flags_are_a_line(flags, line, capsys):
    with pytest.raises(SystemExit) as caught:
        smoke.main(flags)
    assert caught.value.code == 2
    assert line in capsys.readouterr().err


@pytest.mark.slow  # Compiles a dozen programs.
def test_this_cpu_passes(monkeypatch):
    monkeypatch.undo()  # `_quick` is of the others.
    found = {one.name: one for one in smoke.outcomes("cpu", 48, 4)}
    assert list(found) == NAMES
    assert [one for one in found.values() if one.status == WRONG] == []
