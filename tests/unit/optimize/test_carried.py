"""Adam's moments at the next size."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nst_jax.optimize import begin, carried, solvers


def doubled(values, *, linear):
    """Each pixel four times, and 1 less where a filter may overshoot."""
    return jnp.repeat(jnp.repeat(values, 2, axis=1), 2, axis=2) - (not linear)


def test_moments_are_resized_and_steps_counted_on():
    solver = solvers.adam(solvers.cosine(0.1, 9))
    small = jnp.asarray(np.random.default_rng(0).random((2, 3, 4, 3), np.float32))
    before = begin.start(solver, small)
    _, told = jax.vmap(solver.update)(small - 0.5, before.solver, small)
    begun = begin.start(solver, jnp.zeros((2, 6, 8, 3)), 5)
    found = carried.moments(begun.solver, told, doubled)
    adam = next(s for s in found if isinstance(s, optax.ScaleByAdamState))
    old = next(s for s in told if isinstance(s, optax.ScaleByAdamState))
    np.testing.assert_array_equal(adam.count, [1, 1])
    np.testing.assert_array_equal(adam.mu, doubled(old.mu, linear=False))
    np.testing.assert_array_equal(adam.nu, doubled(old.nu, linear=True))
    schedule = next(s for s in found if isinstance(s, optax.ScaleByScheduleState))
    np.testing.assert_array_equal(schedule.count, [5, 5])


def test_second_moments_stay_positive():
    solver = solvers.adam()
    state = begin.start(solver, jnp.zeros((1, 2, 2, 3))).solver
    below = carried.moments(state, state, lambda values, linear: values - 1)
    adam = next(s for s in below if isinstance(s, optax.ScaleByAdamState))
    assert (adam.nu == 0).all()
    assert (adam.mu == -1).all()
