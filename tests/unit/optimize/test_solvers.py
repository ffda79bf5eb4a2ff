import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.optimize import solvers
from nst_jax.options import Options


def updates_of(solver, gradients, params):
    state, found = solver.init(params), []
    for gradient in gradients:
        updates, state = solver.update(gradient, state, params)
        params = params + updates
        found.append(updates)
    return found, params


def test_adam_follows_its_paper():
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(5, 6))
    params = jnp.full(6, 0.5)
    found, _ = updates_of(
        solvers.adam(0.01, epsilon=1e-3), jnp.asarray(gradients, jnp.float32), params
    )
    first = second = np.zeros(6)
    for t, gradient in enumerate(gradients, 1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        step = first / (1 - 0.9**t) / (np.sqrt(second / (1 - 0.999**t)) + 1e-3)
        np.testing.assert_allclose(found[t - 1], -0.01 * step, rtol=2e-4)


def test_adam_keeps_the_picture_in_range():
    params = jnp.array([0.0, 0.5, 1.0])
    _, params = updates_of(solvers.adam(0.3), jnp.array([[1.0, 1.0, -1.0]] * 4), params)
    np.testing.assert_allclose(params, [0, 0, 1], atol=1e-7)


def test_cosine_decay_ends_at_zero():
    gradients = jnp.ones((11, 1))
    found, _ = updates_of(
        solvers.adam(0.01, decay_steps=10), gradients, jnp.array([0.5])
    )
    sizes = -np.array(found)[:, 0]
    expected = 0.01 * 0.5 * (1 + np.cos(np.pi * np.arange(11) / 10))
    np.testing.assert_allclose(sizes, expected, rtol=1e-4, atol=1e-8)


def test_learning_rate_scales_lbfgs():
    gradient, params = jnp.full(5, 7.0), jnp.zeros(5)
    whole, _ = updates_of(solvers.lbfgs(0.25), [gradient], params)
    half, _ = updates_of(solvers.lbfgs(0.5), [gradient], params)
    np.testing.assert_allclose(half[0], 2 * whole[0], rtol=1e-6)
    np.testing.assert_allclose(half[0], -0.5 * gradient / 35, rtol=1e-6)


@pytest.mark.parametrize("name", ["lbfgs", "adam"])
def test_equal_options_give_the_same_solver(name):
    options = Options(solver=name, steps=30)
    assert solvers.solver(options) is solvers.solver(Options(solver=name, steps=30))
    other = dataclasses.replace(options, learning_rate=0.5)
    assert solvers.solver(other) is not solvers.solver(options)


def test_steps_matter_to_decaying_solvers_only():
    def same(name, decay):
        options = Options(solver=name, learning_rate_decay=decay)
        fewer = dataclasses.replace(options, steps=3)
        return solvers.solver(options) is solvers.solver(fewer)

    assert same("lbfgs", None)
    assert same("adam", "none")
    assert not same("adam", None)
    assert not same("lbfgs", "cosine")


def test_history_reaches_lbfgs():
    state = solvers.solver(Options(history=7)).init(jnp.zeros(4))
    assert {7} == {leaf.shape[0] for leaf in jax.tree.leaves(state) if leaf.ndim == 2}


def test_bounds_reach_lbfgs():
    plain = solvers.solver(Options(bounds="none", preconditioner="none"))
    assert plain is solvers.lbfgs(
        1.0, decay_steps=None, history=20, preconditioner="none", bounds="none"
    )
    assert plain is not solvers.solver(Options(bounds="box", preconditioner="none"))


def test_limit_is_on_the_root_mean_square():
    short, long = jnp.array([0.03, -0.04]), jnp.array([3.0, -4.0])
    (kept,), _ = updates_of(solvers.limit_rms(0.1), [short], short)
    np.testing.assert_array_equal(kept, short)
    (cut,), _ = updates_of(solvers.limit_rms(0.1), [long], long)
    np.testing.assert_allclose(cut, 0.1 * long / np.sqrt(12.5), rtol=1e-6)


def test_limit_does_not_count_padding():
    alone = jnp.array([[3.0, -4.0], [0.5, 2.0]])
    padded = jnp.pad(alone, ((0, 3), (0, 1)))
    (expected,), _ = updates_of(solvers.limit_rms(0.1), [alone], alone)
    (found,), _ = updates_of(solvers.limit_rms(0.1), [padded], padded)
    np.testing.assert_allclose(found[:2, :2], expected, rtol=1e-6)
    assert np.count_nonzero(found) == 4
    nothing = jnp.zeros((2, 3))
    (still,), _ = updates_of(solvers.limit_rms(0.1), [nothing], nothing)
    np.testing.assert_array_equal(still, nothing)


@pytest.mark.parametrize(
    "solver",
    [
        solvers.lbfgs(history=3),
        solvers.lbfgs(history=3, preconditioner="multiscale"),
        solvers.lbfgs(history=3, preconditioner="multiscale", bounds="box"),
        solvers.adam(0.1),
    ],
    ids=["lbfgs", "preconditioned", "box", "adam"],
)
def test_padding_makes_no_difference(solver):
    """Of a picture in a larger one: the same updates, and none around it."""
    rng = np.random.default_rng(1)
    gradients = jnp.asarray(rng.normal(size=(8, 5, 7, 2)), jnp.float32)
    params = jnp.full((5, 7, 2), 0.5)
    margins = ((0, 4), (0, 3), (0, 0))
    expected, _ = updates_of(solver, gradients, params)
    found, last = updates_of(
        solver, jnp.pad(gradients, ((0, 0), *margins)), jnp.pad(params, margins)
    )
    for wide, narrow in zip(found, expected, strict=True):
        np.testing.assert_allclose(wide[:5, :7], narrow, rtol=1e-4, atol=1e-6)
    assert not np.any(last[5:])
    assert not np.any(last[:, 7:])


def test_lbfgs_never_leaps():
    """Where the objective hardly curves, a quadratic model asks for a huge step."""

    def slope(x):
        return jnp.sum(x + 1e-4 * x**2)

    params = jnp.zeros(100)
    solver, sizes = solvers.lbfgs(), []
    state = solver.init(params)
    for _ in range(4):
        updates, state = solver.update(jax.grad(slope)(params), state, params)
        params = params + updates
        sizes.append(float(jnp.sqrt(jnp.mean(updates**2))))
    assert max(sizes) == pytest.approx(0.1)
