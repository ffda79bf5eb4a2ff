"""Runs through the sizes of a pyramid; the solver that options ask for."""

import dataclasses
import threading
import time

import jax.numpy as jnp
import numpy as np
import pytest
from support.batch_pictures import (
    ADAM,
    FIVE,
    LARGE,
    LBFGS,
    PAINTINGS,
    PHOTOS,
    PYRAMID,
    SHALLOW,
    jobs_of,
)
from support.posing import pose

from nst_jax.errors import CheckpointError, DivergenceError, OptionsError
from nst_jax.images import resize
from nst_jax.optimize import solvers
from nst_jax.optimize.coordinates import pixels
from nst_jax.optimize.preconditioner import multiscale
from nst_jax.options import Options
from nst_jax.transfer.run import solver
from nst_jax.transfer.stylize import stylize

COARSE, FULL = (64, 46), (128, 92)


@pytest.fixture
def run(tiny_network):
    """`stylize` of a large picture through two sizes; progress with its pictures."""

    def run(options=PYRAMID, on_progress=None, **keywords):
        seen = []

        def keep(progress):
            seen.append((progress, progress.image()))
            return on_progress(progress) if on_progress else None

        result = stylize(
            *(LARGE[0], PAINTINGS[0], options),
            network=tiny_network,
            on_progress=keep,
            **keywords,
        )
        return result, seen

    return run


@pytest.mark.slow
def test_goes_through_the_sizes_and_counts_on(run):
    result, seen = run(every=(2,))
    assert result.image.shape == (*FULL, 3)
    assert result.iterations == 6
    iterations, shapes = [], []
    for progress, image in seen:
        last = progress.iteration
        iterations += range(last + 1 - len(progress.losses), last + 1)
        shapes += [image.shape[:2]] * len(progress.losses)
    # Each size scores its last picture too.
    assert iterations == [0, 1, 2, 3, 3, 4, 5, 6]
    assert shapes == [COARSE] * 4 + [FULL] * 4
    assert len(result.losses) == 8
    seconds = [progress.seconds for progress, _ in seen]
    compiling = [progress.compile_seconds for progress, _ in seen]
    assert (seconds, compiling) == (sorted(seconds), sorted(compiling))
    assert (result.seconds, result.compile_seconds) == (seconds[-1], compiling[-1])
    # The loss is of the full size: the lowest of these, whatever the coarse ones were.
    assert result.loss == result.losses[4:].min()
    np.testing.assert_array_equal(result.image, seen[-1][1])


@pytest.mark.slow
def test_the_next_size_begins_with_the_best_picture_of_the_last(run, tiny_network):
    options = dataclasses.replace(PYRAMID, learning_rate=0.05)
    result, seen = run(options, every=(1,))
    coarse = result.losses[:4]
    assert 0 < coarse.argmin() < 3  # So it is not the last one here.
    assert seen[3][0].best_loss == coarse.min()
    content, style = (resize.resize_longest(x, 128) for x in (LARGE[0], PAINTINGS[0]))
    objective, data = pose(content, [style], options, tiny_network)
    start = resize.resize(seen[3][1], FULL)
    (total,), _ = objective(jnp.asarray(start)[None], data)
    np.testing.assert_allclose(result.losses[4], total, rtol=1e-5)
    # And the coarse losses are of the pictures at the coarse size.
    content, style = (resize.resize_longest(image, 64) for image in (content, style))
    objective, data = pose(content, [style], options, tiny_network)
    (total,), _ = objective(jnp.asarray(seen[0][1])[None], data)
    np.testing.assert_allclose(result.losses[0], total, rtol=1e-5)


@pytest.mark.slow
def test_adams_moments_and_average_go_on_at_the_next_size(run):
    options = dataclasses.replace(
        PYRAMID, solver="adam", carry="moments", average=0.5, learning_rate=0.05
    )
    whole, _ = run(options, every=(1,))
    plain, _ = run(dataclasses.replace(options, carry="none"), every=(1,))
    # The second size begins where the first one's average was, with other steps.
    np.testing.assert_array_equal(whole.losses[:5], plain.losses[:5])
    assert not np.allclose(whole.losses[5:], plain.losses[5:])
    best, _ = run(dataclasses.replace(options, average=0.0))
    assert not np.array_equal(best.image, whole.image)


# After 2, the 4 of the first size, the first of the second, and in the midst of it.
@pytest.mark.parametrize("count", [pytest.param(2, marks=pytest.mark.slow), 4, 5, 7])
def test_stopped_and_resumed_is_the_whole_run(run, tmp_path, count):
    state_file, calls = tmp_path / "run.state", []

    def stop(progress):
        calls.append(progress)
        return len(calls) == count

    part, _ = run(on_progress=stop, every=(1,), state_file=state_file)
    assert len(part.losses) == count
    assert part.image.shape[:2] == FULL  # Enlarged where it isn't reached.
    rest, _ = run(state_file=state_file, resume=True)
    assert not state_file.exists()
    whole, _ = run()
    losses = np.concatenate([part.losses, rest.losses])
    np.testing.assert_array_equal(losses, whole.losses)
    np.testing.assert_array_equal(rest.image, whole.image)
    assert rest.iterations == whole.iterations


@pytest.mark.slow  # Two programs.
def test_stopped_and_resumed_by_lbfgs_from_noise(run, tmp_path):
    """At the second size, whose history begins anew."""
    options = dataclasses.replace(LBFGS, size=128, pyramid=2, init="noise", seed=3)
    state_file, calls = tmp_path / "run.state", []

    def stop(progress):
        calls.append(progress)
        return len(calls) == 6

    run(options, stop, every=(1,), state_file=state_file)
    rest, _ = run(options, state_file=state_file, resume=True)
    whole, _ = run(options)
    again, _ = run(options)
    np.testing.assert_array_equal(rest.image, whole.image)
    np.testing.assert_array_equal(again.image, whole.image)


def test_what_is_resumed_has_to_be_the_same_run(run, tmp_path):
    state_file = tmp_path / "run.state"
    with pytest.raises(CheckpointError, match="nothing to resume from; run without"):
        run(state_file=state_file, resume=True)
    run(on_progress=lambda _: True, state_file=state_file)
    for change in ({"pyramid": 1}, {"steps": 9}, {"style_weight": 7.0}):
        other = dataclasses.replace(PYRAMID, **change)
        with pytest.raises(CheckpointError, match="other pictures or options"):
            run(other, state_file=state_file, resume=True)
    assert state_file.exists()
    with pytest.raises(OptionsError, match="resume needs the state_file"):
        run(resume=True)


def test_nothing_is_prepared_any_more_once_a_run_has_ended(run):
    """All lanes may diverge while the next size is made ready; other groups follow."""
    before = set(threading.enumerate())
    with pytest.raises(DivergenceError):
        run(dataclasses.replace(PYRAMID, style_weight=3e38))
    assert set(threading.enumerate()) <= before


@pytest.mark.slow  # A program of its own.
def test_a_stopped_run_does_not_wait_for_what_is_prepared(run):
    """The next size's compilation takes longer than whoever pressed Ctrl-C waits."""
    options = dataclasses.replace(PYRAMID, size=160, learning_rate=0.011)
    seen = []

    def stop(progress):
        seen.append(time.perf_counter())
        return True

    run(options, on_progress=stop)
    stopped = time.perf_counter() - seen[0]
    _, progress = run(options)
    assert stopped < 0.5 * progress[-1][0].compile_seconds


def stuck(steps):
    return f"the picture stays as it began: none of {steps} iterations lowered its loss"


def test_a_picture_that_never_changed_is_told_of_once(run_jobs):
    """Of those side by side, it alone."""
    nothing = {"style_weight": 0.0}
    (still,) = jobs_of(PHOTOS[:1], FIVE[:1], dataclasses.replace(ADAM, **nothing))
    (moving,) = jobs_of(PHOTOS[:1], FIVE[1:2])
    told = []

    def note(progress):
        told.extend(lane.event for lane in progress.lanes if lane.event)

    found = run_jobs([still, moving], lanes=2, on_progress=note, every=(1,))
    (line,) = found[0].events
    assert line.startswith(stuck(6))
    assert told == [line]
    assert found[1].events == ()


@pytest.mark.slow  # A program each.
@pytest.mark.parametrize(
    ("options", "change"),
    [
        (ADAM, {"tv_weight": 3e38}),
        (ADAM, {"content_weight": 3e38}),
        (SHALLOW, {"learning_rate": 1e30}),
        (LBFGS, {"learning_rate": 1e-45}),
    ],
)
def test_steps_and_weights_that_move_nothing(alone, options, change):
    options = dataclasses.replace(options, **change)
    result = alone(PHOTOS[0], PAINTINGS[0], options)
    assert sum(stuck(6) in line for line in result.events) == 1
    assert stuck(6) in result.events[-1]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {},
            lambda: solvers.lbfgs(
                1.0, history=20, preconditioner=multiscale, bounds=(0, 1)
            ),
        ),
        (
            {
                "preconditioner": "none",
                "bounds": "none",
                "history": 7,
                "learning_rate": 2,
            },
            lambda: solvers.lbfgs(2.0, history=7, preconditioner=None, bounds=None),
        ),
        (
            {"solver": "adam", "steps": 30},
            lambda: solvers.adam(
                solvers.cosine(0.04, 30),
                adam_epsilon=1e-8,
                adam_beta2=0.999,
                coordinates=pixels,
            ),
        ),
        (
            {
                "solver": "adam",
                "learning_rate_decay": "none",
                "adam_epsilon": 1e-4,
                "adam_beta2": 0.9,
            },
            lambda: solvers.adam(
                0.04, adam_epsilon=1e-4, adam_beta2=0.9, coordinates=pixels
            ),
        ),
        (
            {"learning_rate_decay": "cosine", "steps": 30},
            lambda: solvers.lbfgs(
                solvers.cosine(1.0, 30),
                history=20,
                preconditioner=multiscale,
                bounds=(0, 1),
            ),
        ),
    ],
)
def test_options_name_their_solver_and_equal_ones_the_same(change, expected):
    """The same object: it is a static argument of the compiled program."""
    assert solver(Options(**change)) is expected()
