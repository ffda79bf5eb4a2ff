import numpy as np
import pytest
from support.tiny import built

from bench.runners import run_jax
from bench.workload import Job, Workload

SMALL = Workload(32, 40, lanes=2, solver="lbfgs", history=4)


@pytest.fixture(autouse=True)
def _quick_compilation(monkeypatch, tiny_architecture, tiny_weights):
    """A narrow network in the place of VGG-19."""

    def network(workload, precision):
        return built(tiny_architecture, tiny_weights, precision=precision)

    monkeypatch.setattr(run_jax, "network", network)


@pytest.mark.slow
def test_a_step_is_timed():
    found = run_jax.measure(Job("step", "nst_jax", "default", SMALL, budget=0.05))
    first, *_, last = found["first_losses"]
    assert np.isfinite(first)
    assert last != first
    assert all(0 < seconds < 60 for seconds in found["seconds_per_step"])
    assert 0 < found["compile_seconds"] < found["warm_up_seconds"]
    assert found["program_bytes"] > SMALL.content().nbytes
    assert found["peak_bytes"]["host"] > 2**20


@pytest.mark.slow
def test_pictures_of_a_trajectory_are_kept_at_the_marks(tmp_path):
    output = tmp_path / "pictures.npy"
    alone = Workload(32, 40, solver="lbfgs", history=4)
    job = Job(
        *("trajectory", "nst_jax", "default", alone),
        steps=7,
        marks=3,
        output=str(output),
    )
    found = run_jax.measure(job)
    assert [point["iteration"] for point in found["points"]] == [3, 6]
    seconds = [point["seconds"] for point in found["points"]]
    assert 0 < seconds[0] < seconds[1]
    pictures = np.load(output)
    assert pictures.shape == (2, 32, 40, 3)
    first, second = run_jax.losses(job, pictures)
    assert second < first < run_jax.losses(job, alone.content()[None])[0]


def test_pictures_of_another_shape_are_not_scored():
    job = Job("score", "nst_jax", "default", Workload(32, 40))
    with pytest.raises(ValueError, match=r"\(40, 32, 3\)"):
        run_jax.losses(job, np.zeros((1, 40, 32, 3), np.float32))


@pytest.mark.slow
def test_a_set_is_made_in_lanes_or_in_part():
    together = Job("set", "nst_jax", "default", SMALL, steps=2, together=0)
    assert run_jax.measure(together)["paintings"] == 2
    part = Job("set", "nst_jax", "default", SMALL, steps=2, measured=1)
    assert run_jax.measure(part)["paintings"] == 1


def test_options_are_the_workloads_and_the_jobs():
    adam = Workload(32, 40, learning_rate=0.5)
    job = Job("step", "nst_jax", "x", adam, "bfloat16", options={"seed": 3})
    options = run_jax.options(job)
    assert (options.size, options.precision, options.seed) == (40, "bfloat16", 3)
    assert (options.learning_rate, options.learning_rate_decay) == (0.5, "none")
    assert run_jax.options(Job("step", "nst_jax", "x", SMALL)).history == 4
