"""Kernels by their names; the table of a record."""

import json

import jax
import jax.numpy as jnp
import pytest

from bench import kernels


def test_what_a_program_was_at_is_counted_and_timed():
    program = (
        jax.jit(lambda x: jnp.sin(x @ x).sum()).lower(jnp.ones((64, 64))).compile()
    )
    found = kernels.kernels(lambda: program(jnp.ones((64, 64))))
    assert found
    assert all(count >= 1 and seconds >= 0 for _, (count, seconds) in found)
    assert [s for _, (_, s) in found] == sorted(
        (s for _, (_, s) in found), reverse=True
    )


def test_the_table_has_what_takes_the_longest():
    record = {
        "case": "step",
        "workload": {"width": 8, "height": 4, "lanes": 2, "solver": "adam"},
        "precision": "bfloat16",
        "ms_per_step": 0.5,
        "kernels": [
            {"name": "one", "count": 2.0, "ms": 0.3},
            {"name": "two", "count": 1.0, "ms": 0.1},
        ],
    }
    head, *lines = kernels.table(record, 1).splitlines()
    assert head.startswith("step 8x4, 2 lanes, adam, bfloat16: 0.5000 ms a step; 3")
    assert "0.4000 ms by the profiler" in head
    assert lines == ["     300.0 us   2.0x  one"]


@pytest.mark.slow
def test_a_job_is_profiled_and_added_to_a_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(kernels, "STEPS", 2)
    path = tmp_path / "kernels.jsonl"
    kernels.main(["--size=32", "--precision=float32", f"--output={path}", "--shown=3"])
    (line,) = path.read_text().splitlines()
    record = json.loads(line)
    assert record["workload"]["height"] == 32
    assert record["ms_per_step"] > 0
    assert record["kernels"]
    assert len(capsys.readouterr().out.splitlines()) == 4
