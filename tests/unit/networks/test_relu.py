"""The ReLU, and where it stands beside pooling."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nst_jax.devices import backend
from nst_jax.networks import network as networks
from nst_jax.networks import pooling
from nst_jax.networks.relu import relu, unseen_relu


def test_values_and_gradients():
    values = jnp.array([-2.0, -0.0, 0.0, 1e-30, 3.0])
    found, back = jax.vjp(relu, values)
    np.testing.assert_array_equal(found, np.maximum(values, 0))
    np.testing.assert_array_equal(back(jnp.full(5, 7.0))[0], [0, 0, 0, 7, 7])


def test_the_gradient_knows_the_result_alone():
    values = jnp.array([-2.0, 3.0])
    _, back = jax.vjp(relu, values)
    kept = jax.tree.leaves(back)
    assert [one.tolist() for one in kept] == [[0.0, 3.0]]
    # XLA would make `values > 0` of a comparison with what is above.
    text = jax.jit(lambda x: jax.vjp(relu, x)[1](x)).lower(values).as_text()
    assert "compare NE" in text.replace("  ", " ")


@pytest.mark.parametrize(("kind", "kept"), [("cpu", 1), ("gpu", 4), ("tpu", 4)])
def test_what_nobody_looks_at_is_kept_as_bytes_on_cpus(kind, kept):
    values = jnp.array([-2.0, -0.0, 0.0, 1e-30, 3.0])
    with backend.made_for(kind):
        found, back = jax.vjp(unseen_relu, values)
    np.testing.assert_array_equal(found, np.maximum(values, 0))
    np.testing.assert_array_equal(back(jnp.full(5, 7.0))[0], [0, 0, 0, 7, 7])
    assert [one.dtype.itemsize for one in jax.tree.leaves(back)] == [kept]


def test_a_network_keeps_bytes_of_the_layers_at_which_no_tap_looks(
    tiny_network, monkeypatch
):
    """Pools among them, of fewer pixels; at taps what they gave is kept anyway."""
    image = jnp.asarray(np.random.default_rng(0).random((1, 12, 14, 3)), jnp.float32)
    unseen, seen = [], []
    shown = "relu", relu, seen
    hidden = "unseen_relu", unseen_relu, unseen
    for name, plain, found in (shown, hidden):

        def noted(x, plain=plain, found=found):
            found.append(x.shape[1:3])
            return plain(x)

        monkeypatch.setattr(networks, name, noted)
    tiny_network(image, ("relu1_1", "relu2_1"))
    # relu1_2 is made for nobody but its pool, and dropped by the compiler.
    assert seen == [(12, 14), (6, 7)]
    assert unseen == [(12, 14), (6, 7)]


@pytest.mark.parametrize("tapped", [False, True])
def test_the_relu_before_a_maximum_is_of_fewer_pixels(
    tiny_network, tapped, monkeypatch
):
    """Its values are those of pooling what it gives, also where that is a tap."""
    image = jnp.asarray(np.random.default_rng(0).random((1, 12, 14, 3)), jnp.float32)
    seen = []
    monkeypatch.setattr(networks, "relu", lambda x: seen.append(x.shape) or relu(x))
    taps = ("pool1", "relu1_2")[: 1 + tapped]
    views = tiny_network(image, taps)
    channels = views["pool1"].features.shape[-1]
    assert (1, 6, 7, channels) in seen
    before = tiny_network(image, ("relu1_2",))["relu1_2"].features
    pooled = pooling.max_pool(before)
    np.testing.assert_array_equal(views["pool1"].features, pooled)
    of = jax.grad(lambda x: jnp.sum(tiny_network(x, ("pool1",))["pool1"].features ** 2))
    one = jax.grad(
        lambda x: jnp.sum(
            pooling.max_pool(tiny_network(x, ("relu1_2",))["relu1_2"].features) ** 2
        )
    )
    np.testing.assert_allclose(of(image), one(image), rtol=1e-5, atol=1e-6)
