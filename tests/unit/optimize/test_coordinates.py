"""Steps in the coefficients of a Laplacian pyramid, against that pyramid itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nst_jax.optimize import coordinates, solvers

RNG = np.random.default_rng(4)


def enlarged(values, shape):
    """`[h, w, c]` bilinearly to twice the size; the first pixel is over the border."""
    for axis in (0, 1):
        places = (np.arange(shape[axis]) + 0.5) / 2 - 0.5
        known = np.arange(values.shape[axis]) - 1
        values = np.apply_along_axis(
            lambda line, places=places, known=known: np.interp(places, known, line),
            axis,
            values,
        )
    return values


def added_up(parts):
    image = parts[-1]
    for finer in reversed(parts[:-1]):
        image = finer + enlarged(image, finer.shape)
    return image


@pytest.mark.parametrize("shape", [(7, 6), (5, 1)])
def test_it_is_a_solver_of_the_pyramids_coefficients(shape):
    """Whose picture is their sum, step for step."""
    levels, rate = 3, 0.01
    image = RNG.random((*shape, 3))
    rms = optax.scale_by_rms(0.99, 1e-8, eps_in_sqrt=False)
    solver = coordinates.laplacian(rms, levels)
    sizes = [part.shape for part in jax.eval_shape(solver.init, image).nu]
    assert len(sizes) == levels + 1
    theirs = [image, *(np.zeros(size) for size in sizes[1:])]
    gradients = RNG.normal(size=(4, *shape, 3))
    means, pictures = [np.zeros(size) for size in sizes], _pictures(sizes)
    with jax.enable_x64(True):
        ours = jnp.asarray(image)
        state, update = jax.jit(solver.init)(ours), jax.jit(solver.update)
        for gradient in gradients:
            updates, state = update(jnp.asarray(gradient), state, ours)
            ours = ours - rate * updates
            for n, alone in enumerate(pictures):
                slope = np.sum(alone * gradient, axis=(1, 2)).reshape(sizes[n])
                means[n] = 0.99 * means[n] + 0.01 * slope**2
                theirs[n] = theirs[n] - rate * slope / (np.sqrt(means[n]) + 1e-8)
    np.testing.assert_allclose(ours, added_up(theirs), atol=1e-9)


def _pictures(sizes):
    """Of each coefficient the picture that it alone makes, `[n, h, w, 1]` of each."""
    found = []
    for n, (height, width, _) in enumerate(sizes):
        pictures = []
        for place in range(height * width):
            parts = [np.zeros((*size[:2], 1)) for size in sizes]
            parts[n].reshape(-1)[place] = 1
            pictures.append(added_up(parts))
        found.append(np.stack(pictures))
    return found


@functools.partial(jax.jit, static_argnums=0)
def _first(solver, gradient):
    image = jnp.full_like(gradient, 0.5)
    return solver.update(gradient, solver.init(image), image)[0]


def first(solver, gradient):
    """The first update of a grey picture."""
    return np.array(_first(solver, jnp.asarray(gradient, jnp.float32)))


def test_a_shape_of_any_size_moves_at_once():
    """Against grain twice as strong as what is common to all pixels."""
    grain = np.where(np.indices((64, 64)).sum(0) % 2, 2.0, -2.0)
    gradient = jnp.asarray(np.repeat(1 + grain[..., None], 3, axis=-1), jnp.float32)
    means = {}
    for name in ("pixels", "laplacian"):
        solver = solvers.rmsprop(
            1e-3, coordinates=getattr(coordinates, name), laplacian_levels=4
        )
        updates = first(solver, gradient)
        means[name] = float(updates.mean())
    assert means["pixels"] == pytest.approx(0, abs=1e-6)
    # Four levels agree on it; a first step is ten times as long.
    assert means["laplacian"] == pytest.approx(-4e-2, rel=1e-3)


@pytest.mark.slow
def test_padding_changes_nothing_and_stays():
    gradient = RNG.normal(size=(9, 8, 3)).astype(np.float32)
    solver = solvers.rmsprop(
        0.01, coordinates=coordinates.laplacian, laplacian_levels=3
    )

    alone = first(solver, gradient)
    padded = first(solver, np.pad(gradient, ((0, 4), (0, 3), (0, 0))))
    np.testing.assert_allclose(padded[:9, :8], alone, atol=1e-6)
    padded[:9, :8] = 0
    assert not padded.any()
