import json
import re

import pytest
from support.bench_records import H100, record

from bench.report import __main__ as report
from bench.report import goals, tables
from bench.report.page import page
from bench.workload import ROOT


def goal(words):
    (found,) = (goal for goal in goals.GOALS if goal.what.startswith(words))
    return found


def step(milliseconds, **fields):
    return record(seconds_per_step=[milliseconds / 1e3], **fields)


def test_the_last_session_counts_and_its_rounds_are_pooled():
    old = step(9, session="2026-01-01T00:00:00Z")
    rounds = [step(ms, session="2026-01-02T00:00:00Z") for ms in (1, 5, 2)]
    cut = record(session="2026-01-03T00:00:00Z", skipped="no time was left")
    (found,) = tables.latest([old, *rounds, cut])
    assert tables.seconds_per_step(found) == 0.002
    assert len(found["seconds_per_step"]) == 3


def test_devices_and_jobs_are_kept_apart():
    found = tables.latest([step(1), step(2, device=H100), step(3, lanes=8)])
    assert len(found) == 3


def test_what_was_never_measured_stays_skipped():
    (found,) = tables.latest([record(skipped="needs 166 GiB")])
    assert found["skipped"] == "needs 166 GiB"


def test_steps_are_shown_an_image():
    lines = tables.steps([step(8, lanes=4), step(3, framework="PyTorch")])
    assert "| solver, picture, lanes | nst_jax, float32 | PyTorch, float32 |" in lines
    assert "| adam, 256x256, 1 |  | 3 |" in lines
    assert "| adam, 256x256, 4 | 2 |  |" in lines
    assert "| adam, 256x256, 1 |  | 1 |" in lines  # GiB of the host.


def test_ours_is_shown_as_a_share_of_the_others():
    found = [step(8, precision="tf32"), step(6), step(24, framework="PyTorch")]
    lines = tables.steps(found)
    assert "nst_jax's time as a share" in lines
    assert "| adam, 256x256, 1 | 0.75 | 1 | 0.25 |" in lines


def test_growth_is_relative_to_one_picture():
    lines = tables.growth([step(65.536), step(131.072, lanes=4), step(1, side=512)])
    assert "| adam, 256x256, 1 | 1000 |" in lines.replace(",000", "000")
    assert "| adam, 256x256, 4 | 0.5 |" in lines


@pytest.mark.parametrize(
    ("milliseconds", "verdict"),
    [(0.79, "aim met"), (1.15, "required met"), (1.16, "falls short")],
)
def test_a_goal_is_met_or_not(milliseconds, verdict):
    found = step(milliseconds, side=512, precision="bfloat16", device=H100)
    shown, said = goal("ms a step, one picture of 512").verdict([found])
    assert (shown, said) == (f"{milliseconds:g} ms", verdict)


def test_eight_pictures_count_by_the_picture():
    found = step(8 * 0.9, side=512, lanes=8, precision="bfloat16", device=H100)
    assert goal("ms an image-step").verdict([found]) == ("0.9 ms", "required met")


def test_nothing_is_made_up():
    for one in goals.GOALS:
        assert one.verdict([]) == ("not measured yet", "")
    other = step(1, side=512, precision="float32", device=H100)
    assert goal("ms a step, one picture of 512").verdict([other])[1] == ""


def run(framework, scores, **fields):
    points = [
        {"iteration": 100 * k, "seconds": k / 2, "score": score}
        for k, score in enumerate(scores, 1)
    ]
    return record(
        *("trajectory", framework),
        **{"solver": "lbfgs", "steps": 500, "points": points, **fields},
    )


def test_seconds_to_the_loss_that_pytorch_ends_with():
    torch = run("PyTorch", [9, 6, 5], variant="eager")
    ours = run("nst_jax", [8, 5, 4])
    quicker = run("nst_jax", [5, 4.5, 4.4], variant="pyramid")
    to_loss = goal("seconds to PyTorch")
    assert to_loss.verdict([ours]) == ("not measured yet", "")
    assert to_loss.verdict([torch, ours]) == ("1 s", "required met")
    assert to_loss.verdict([torch, ours, quicker]) == ("0.5 s", "aim met")
    short = run("nst_jax", [8, 7, 6])
    assert to_loss.verdict([torch, short])[1] == "falls short"
    assert "not reached" in tables.trajectories([torch, short])


def test_bfloat16_is_held_against_float32_on_three_pairs():
    def of(photo, precision, score):
        found = run("nst_jax", [score], side=512, precision=precision)
        found["workload"]["photo"] = f"examples/photos/{photo}.jpg"
        return found

    exact = [of(photo, "float32", 4.0) for photo in "abc"]
    quick = [of("a", "bfloat16", 4.0), of("b", "bfloat16", 4.02)]
    line = goal("final loss in bfloat16")
    assert line.verdict([*exact, *quick]) == ("not measured yet", "")
    near = of("c", "bfloat16", 3.99)
    assert line.verdict([*exact, *quick, near]) == ("1x", "required met")
    far = of("c", "bfloat16", 4.2)
    assert line.verdict([*exact, *quick, far]) == ("1.05x", "falls short")


def test_a_slow_programs_set_is_reckoned_from_the_paintings_that_it_did():
    figures = {"total_seconds": 40.0, "paintings": 4}
    found = record("set", "PyTorch", "eager", lanes=32, steps=500, **figures)
    assert tables.set_seconds(found) == 320
    assert "| one | 4 | 320 |" in tables.sets([found])


def process(framework, seconds, side=256, **fields):
    return record(
        *("process", framework),
        side=side,
        later_seconds=[seconds],
        first_seconds=99.0,
        score=1.0,
        **fields,
    )


def test_programs_are_compared():
    ours, theirs = process("nst_jax", 30.0), process("PyTorch", 40.0)
    cpu = goal("CPU, start to saved")
    assert cpu.verdict([ours, theirs]) == ("0.75x", "required met")
    assert cpu.verdict([ours]) == ("not measured yet", "")
    gpu = goal("process start to saved 512")
    ours, theirs = process("nst_jax", 5.0, 512), process("PyTorch", 4.0, 512)
    assert gpu.verdict([ours, theirs]) == (
        "5 s; under PyTorch's total: no",
        "falls short",
    )


def test_the_step_on_cpus_is_against_the_best_layout():
    found = [
        step(60),
        step(200, framework="PyTorch", variant="eager"),
        step(100, framework="PyTorch", variant="eager channels_last"),
        step(50, framework="PyTorch", variant="compile"),
    ]
    assert goal("CPU, 256 px").verdict(found) == ("0.6x", "aim met")


def test_the_report_shows_what_there_is_and_says_what_is_not(tmp_path):
    records = [step(338), record(side=512, skipped="no time was left")]
    text = page(records, tmp_path)
    rows = [line for line in text.splitlines() if line.count("|") == 7]
    by_gpu = [row for row in rows if "32 styles" in row or "512 px" in row]
    assert len(by_gpu) >= 3
    assert all("not measured yet" in row for row in by_gpu)
    assert "| adam, 256x256, 1 | 338 |" in text
    assert "skipped, no time was left" in text
    assert "(on" not in text


def test_another_gpu_is_named(tmp_path):
    other = {**H100, "name": "NVIDIA L4"}
    found = step(1, side=512, precision="bfloat16", device=other)
    assert "1 ms (on gpu-l4)" in page([found], tmp_path)


def test_files_are_read_and_the_report_is_the_same_again(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    records = [step(338), step(1, side=512, device=H100, precision="bfloat16")]
    (results / "a.jsonl").write_text("\n".join(map(json.dumps, records)) + "\n")
    flags = [f"--results={results}", f"--output={tmp_path / 'R.md'}"]
    texts = []
    for _ in range(2):
        report.main(flags)
        texts.append((tmp_path / "R.md").read_text())
    assert texts[0] == texts[1]
    assert "338" in texts[0]


def test_the_records_that_are_here_are_the_reports():
    """Those of other kinds have folders of their own, such as of memory."""
    records = tables.read(ROOT / "bench/results")
    assert len(records) > len(tables.latest(records)) > 20


@pytest.mark.slow
def test_plots_are_drawn_and_linked(tmp_path):
    records = [step(ms, side=side) for ms, side in ((1, 128), (4, 256), (17, 512))]
    records += [step(7, lanes=8), run("nst_jax", [3, 2, 1])]
    text = page(records, tmp_path)
    links = re.findall(r"!\[.*\]\((.*)\)", text)
    assert len(links) == 3
    for link in links:
        assert "nst_jax" in (tmp_path / link).read_text()


def test_passes_and_trainings_are_shown_a_picture():
    found = [
        step(8, case="pass", lanes=4),
        step(3, case="pass", framework="onnxruntime"),
        step(500, case="training", lanes=4),
    ]
    lines = tables.everything(found)
    assert "| 256x256, 1 |  | 3 |" in lines
    assert "| 256x256, 4 | 2 |  |" in lines
    assert "| 256x256, 4 | 8 |" in lines  # Photos a second.


def test_folders_are_shown_with_their_rate():
    found = record("folder", steps=24, first_seconds=9.0, later_seconds=[4, 6, 5])
    lines = tables.folders([{**found, "painted": 20}])
    assert "| nst_jax, default: 24 of 256x256 | 9 | 5 | 4 | 1 |" in lines


def test_a_pass_is_held_against_pytorchs_best_where_it_does_worst():
    """Batches that only one did don't count."""
    found = [
        step(6, case="pass"),
        step(10, case="pass", framework="PyTorch"),
        step(8, case="pass", framework="PyTorch", variant="compile"),
        step(3, case="pass", lanes=8),
        step(9, case="pass", lanes=8, framework="PyTorch"),
        step(9, case="pass", side=512),
        step(1, case="pass", framework="onnxruntime"),
    ]
    assert goal("CPU, one pass").figure(found) == 0.75
    assert goal("CPU, a step of training").figure(found) is None
