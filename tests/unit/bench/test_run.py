import json
import os
import signal
import subprocess
import sys

import pytest
from support.bench_records import record

from bench import cases, launch, run
from bench.report import tables
from bench.workload import ROOT


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    monkeypatch.setattr(run, "gpu", dict)
    monkeypatch.setattr(run.os, "environ", {})


@pytest.fixture
def asked(monkeypatch):
    """The jobs that would be measured, and how long at most."""
    seen = {}

    def run_all(jobs, output, *, device, minutes, say, leave):
        seen.update(jobs=jobs, output=output, device=device, minutes=minutes)
        seen.update(leave=leave)
        return []

    monkeypatch.setattr(launch, "run_all", run_all)
    return seen


def test_quick_is_short_and_is_no_evidence(asked):
    run.main(["quick"])
    assert asked["minutes"] < 5
    assert asked["output"] != run.RESULTS
    assert {job.case for job in asked["jobs"]} == {"step", "process"}
    run.main(["cpu", "--minutes=7"])
    assert (asked["output"], asked["leave"]) == (run.RESULTS, False)
    assert asked["minutes"] == pytest.approx(7, abs=0.1)


def test_cpu_cases_leave_a_gpu_alone(asked):
    run.main(["cpu"])
    assert run.os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert run.os.environ["JAX_PLATFORMS"] == "cpu"
    assert asked["device"] == {"platform": "cpu"}


def test_cases_can_be_chosen(asked, capsys):
    run.main(["cpu", "--cases=set"])
    assert {job.case for job in asked["jobs"]} == {"set"}
    with pytest.raises(SystemExit):
        run.main(["cpu", "--cases=sets"])
    assert "unknown cases: sets" in capsys.readouterr().err


def test_resuming_leaves_out_what_was_measured(asked, tmp_path):
    done, failed, *rest = cases.quick(gpu=False)
    records = [
        {**record(), **done.fields()},
        {**record(skipped="no time was left"), **failed.fields()},
    ]
    (tmp_path / "cpu_step.jsonl").write_text("\n".join(map(json.dumps, records)))
    run.main(["quick", f"--output={tmp_path}", "--resume"])
    assert asked["jobs"] == [*rest, failed]


def test_a_gpu_is_needed_for_its_cases(capsys):
    with pytest.raises(SystemExit):
        run.main(["device"])
    assert "no NVIDIA GPU is here" in capsys.readouterr().err
    run.main(["device", "--list"])
    assert "compile+graphs" in capsys.readouterr().out


# A GPU that isn't there: what its pieces do.

_RUNNER = """
import json, sys
for text in sys.argv[1:]:
    job = json.loads(text)
    side = job["workload"]["height"]
    if side == 512:
        sys.exit("no luck")
    device = {"platform": "gpu", "name": "NVIDIA H100", "driver": "580"}
    print(json.dumps({**job, "device": device, "warm_up_seconds": 1.0,
        "seconds_per_step": [side / 1e4], "commit": "c", "load": 0.0}), flush=True)
"""


class Pieces:
    """Runs pieces of `device` that have four jobs, on a GPU that is made up.

    Attributes:
      cut: records after which a piece is ended from outside; None: it isn't.
      smoked: how often the smoke test was run.
    """

    def __init__(self, monkeypatch, folder):
        self.output, self.cut, self.smoked = folder / "out", None, 0
        gpu = {"name": "NVIDIA H100 80GB HBM3", "driver": "580"}
        squares = [(side, 1) for side in (128, 256, 512, 1024)]
        jobs = cases._steps("nst_jax", "default", "bfloat16", squares)
        self._run_all = launch.run_all
        monkeypatch.setattr(run, "gpu", lambda: gpu)
        monkeypatch.setattr(run.cases, "device", lambda: jobs)
        monkeypatch.setattr(run, "_passes", self._passes)
        monkeypatch.setattr(run.os, "environ", os.environ)
        monkeypatch.setattr(run.launch, "run_all", self._measured)

    def __call__(self, *flags):
        """The sides that there are records of, and whether they were skipped."""
        run.main(["device", f"--output={self.output}", *flags])
        return self.told()

    def told(self):
        records = tables.read(self.output)
        return [(r["workload"]["height"], "skipped" in r) for r in records]

    def _passes(self, path):
        assert path.name == "gpu-h100.jsonl"
        self.smoked += 1
        lines = [{"name": n, "status": "right"} for n in ("device", "compile cache")]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return True

    def _measured(self, *arguments, say, **how):
        runner = [sys.executable, "-c", _RUNNER]

        def said(line):
            say(line)
            if len(self.told()) == self.cut:
                run._end(signal.SIGTERM, None)

        return self._run_all(*arguments, say=said, runner=lambda job: runner, **how)


@pytest.fixture
def pieces(monkeypatch, tmp_path):
    return Pieces(monkeypatch, tmp_path)


def test_pieces_are_cut_and_go_on(pieces, capsys):
    pieces.cut = 1
    with pytest.raises(SystemExit) as ended:
        pieces()
    assert ended.value.code == 128 + signal.SIGTERM
    assert (pieces.told(), pieces.smoked) == ([(128, False)], 1)
    # One goes on there without the smoke test, as far as it has time.
    pieces.cut = None
    assert pieces("--resume", "--minutes=1e-9") == [(128, False)]
    assert "3 jobs are left: go on with --resume" in capsys.readouterr().out
    # Past what fails.
    measured = [(128, False), (256, False), (512, True), (1024, False)]
    assert pieces("--resume") == measured
    assert "left" not in capsys.readouterr().out
    # Which is tried again.
    assert pieces("--resume") == [*measured, (512, True)]
    assert pieces.smoked == 1
    # Without --resume all is measured anew, and looked at first.
    pieces("--cases=smoke")
    assert pieces.smoked == 2


def test_nothing_is_measured_where_the_smoke_test_fails(pieces, monkeypatch):
    monkeypatch.setattr(run, "_passes", lambda path: False)
    with pytest.raises(SystemExit, match="smoke test found something wrong"):
        pieces()
    assert pieces.told() == []
    assert pieces("--cases=step", "--minutes=1e-9") == []


def test_the_script_says_what_it_takes():
    done = subprocess.run(
        ["bash", "scripts/bench.sh"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "bench.sh: give --quick, --cpu or --device\n"
