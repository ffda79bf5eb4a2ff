import json
import subprocess

import pytest
from support.bench_records import record

from bench import cases, launch, run
from bench.workload import ROOT


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    monkeypatch.setattr(run, "gpu", dict)
    monkeypatch.setattr(run.os, "environ", {})


@pytest.fixture
def asked(monkeypatch):
    """The jobs that would be measured, and how long at most."""
    seen = {}

    def run_all(jobs, output, *, device, minutes, say):
        seen.update(jobs=jobs, output=output, device=device, minutes=minutes)
        return []

    monkeypatch.setattr(launch, "run_all", run_all)
    return seen


def test_quick_is_short_and_is_no_evidence(asked):
    run.main(["quick"])
    assert asked["minutes"] < 5
    assert asked["output"] != run.RESULTS
    assert {job.case for job in asked["jobs"]} == {"step", "process"}
    run.main(["cpu", "--minutes=7"])
    assert (asked["output"], asked["minutes"]) == (run.RESULTS, 7)


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
    assert asked["jobs"] == [failed, *rest]


def test_a_gpu_is_needed_for_its_cases(capsys):
    with pytest.raises(SystemExit):
        run.main(["device"])
    assert "no NVIDIA GPU is here" in capsys.readouterr().err
    run.main(["device", "--list"])
    assert "compile+graphs" in capsys.readouterr().out


def test_the_script_says_what_it_takes():
    done = subprocess.run(
        ["bash", "scripts/bench.sh"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "bench.sh: give --quick, --cpu or --device\n"
