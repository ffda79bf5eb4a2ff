import json
import subprocess
import sys

import numpy as np
import pytest

from bench.runners import record
from bench.workload import Job, Workload

JOB = Job("step", "nst_jax", "default", Workload(8, 8))


def serve(monkeypatch, capsys, measure, *jobs):
    arguments = [json.dumps(job.fields()) for job in jobs]
    monkeypatch.setattr(sys, "argv", ["run_this.py", *arguments])
    record.serve(measure, lambda: {"versions": {"x": "1"}})
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_record_holds_job_place_and_figures(monkeypatch, capsys):
    (found,) = serve(monkeypatch, capsys, lambda job: {"answer": 42}, JOB)
    assert found["answer"] == 42
    assert found["workload"]["height"] == 8
    assert found["versions"] == {"x": "1"}
    assert found["host"]["cores"] >= 1
    assert "skipped" not in found


def test_a_job_that_fails_is_a_record_and_the_next_is_done(monkeypatch, capsys):
    def measure(job):
        if job.steps:
            raise MemoryError("too\nlarge")
        return {"answer": 1}

    failing = Job("step", "nst_jax", "default", Workload(), steps=1)
    bad, good = serve(monkeypatch, capsys, measure, failing, JOB)
    assert bad["skipped"] == "MemoryError: too large"
    assert good["answer"] == 1


def test_without_jobs_it_says_how(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["run_this.py"])
    with pytest.raises(SystemExit, match=r"bench\.runners\.run_this JOB"):
        record.serve(lambda job: {}, dict)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        # Seconds a step -> steps of each of the repeats, within 10 s.
        (0.01, [200] * 5),
        (1.0, [2] * 5),
        (4.0, [1] * 2),
        (60.0, [1] * 2),
    ],
)
def test_repeats_share_the_time(monkeypatch, one, expected):
    now, made = [0.0], []

    def run(steps):
        made.append(steps)
        now[0] += one * steps

    monkeypatch.setattr(record.time, "perf_counter", lambda: now[0])
    seconds = record.steady(run, seconds=10)
    assert made[-len(expected) :] == expected
    np.testing.assert_allclose(seconds, one)
    assert len(seconds) == len(expected)


@pytest.mark.slow
def test_peak_memory_is_the_process_own_and_sees_an_array_come_and_go():
    held = np.ones(2**25)  # 256 MiB, here.
    code = (
        "import numpy as np\n"
        "from bench.runners.record import peak_host_bytes as peak\n"
        "before = peak(); np.ones(2**25).sum(); print(before, peak())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    before, after = map(int, done.stdout.split())
    assert before < held.nbytes < after


def test_what_does_not_fit_is_refused():
    job = Job("step", "nst_jax", "default", Workload(2048, 2048, lanes=32))
    record.check_fits(job, None)
    with pytest.raises(record.DoesNotFitError, match=r"166 GiB at least.* has 80 GiB"):
        record.check_fits(job, 80 * 2**30)
