"""Sums whose gradient waits for that of the features."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.devices import backend, memory, programs, suited
from nst_jax.options import Options
from nst_jax.perceptual import objective, tiles
from nst_jax.perceptual.late import late
from nst_jax.transfer.lanes import lane_of
from nst_jax.transfer.problem import Studio

_RNG = np.random.default_rng(5)


def loss(image, kernels, tied=late):
    """Of a network of three layers, with the products of channels at each."""
    features, total = image, 0.0
    for kernel in kernels:
        features = jnp.maximum(features @ kernel, 0)
        sums = {"products": features.T @ features, "count": jnp.float32(len(features))}
        features, sums = tied(features, sums)
        total += jnp.sum((sums["products"] / sums["count"]) ** 2)
    return total


def plainly(features, sums):
    return features, sums


@pytest.fixture
def kernels():
    return [jnp.asarray(_RNG.normal(size=(8, 8)), jnp.float32) / 3 for _ in range(3)]


def test_values_and_gradients_of_lanes_are_the_same(kernels):
    images = jnp.asarray(_RNG.normal(size=(2, 12, 8)), jnp.float32)
    for tied in (late, plainly):

        def total(images, tied=tied):
            return jax.vmap(lambda one: loss(one, kernels, tied))(images).sum()

        found = jax.jit(jax.value_and_grad(total))(images)
        if tied is late:
            expected = found
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-6)
    assert float(jnp.abs(found[1]).max()) > 0


def _barriers(kernels):
    image = jnp.ones((12, 8))
    text = str(jax.make_jaxpr(jax.grad(lambda x: loss(x, kernels)))(image))
    return text.count("optimization_barrier")


def test_what_no_layer_looks_at_is_waited_for_by_nobody(kernels):
    """There and back of two layers, there of the last."""
    with backend.made_for("cpu"):
        assert _barriers(kernels) == 5
    with backend.made_for("gpu"):
        assert _barriers(kernels) == 0


@pytest.mark.skipif(not suited.barriers(), reason="of programs for CPUs")
def test_a_step_needs_less_memory():
    """What the products' slopes take is there one layer at a time."""
    kernels = [jnp.asarray(_RNG.normal(size=(64, 64)), jnp.float32) for _ in range(4)]
    image = jnp.ones((2**14, 64))

    def needed(tied):
        def step(image):
            return image - jax.grad(lambda x: loss(x, kernels, tied))(image)

        lowered = jax.jit(step).lower(image)
        options = programs.compiler_options(2**16)
        return memory.needed_bytes(lowered.compile(options))

    assert needed(late) < 0.85 * needed(plainly)


@pytest.mark.parametrize("tile", [0, 256])
def test_an_objective_waits_at_each_tap_that_adds_up(tiny_network, monkeypatch, tile):
    """There and back of style taps; the content's alone is nothing to wait for."""
    size = 640 if tile else 32
    options = Options(
        size=size,
        style_loss="gram",
        style_taps=("relu1_1", "relu2_1"),
        content_taps=("relu2_2",),
    )
    studio = Studio(tiny_network, options).in_tiles(tile)
    picture = _RNG.random((size, size, 3), np.float32)
    problem = studio.pose([lane_of(picture, [picture[::-1]], options)])
    image, of = jnp.full((1, size, size, 3), 0.5), studio.objective

    def barriers():
        def total(image):
            return jnp.sum(of(image, problem)[0])

        text = str(jax.make_jaxpr(jax.grad(total))(image))
        return text.count("optimization_barrier")

    with backend.made_for("cpu"):
        waiting = barriers()
        monkeypatch.setattr(objective, "late", plainly)
        monkeypatch.setattr(tiles, "late", plainly)
        assert waiting - barriers() >= 4
