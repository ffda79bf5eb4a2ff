"""Networks by name, from the store."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.tiny import random_weights

from nst_jax.networks import extract
from nst_jax.networks.pooling import AVG_CEIL
from nst_jax.networks.precision import AUTO, BFLOAT16
from nst_jax.networks.pretrained import fetched, load
from weights_convert import architectures, store
from weights_convert.errors import WeightsError


@pytest.fixture(autouse=True)
def _own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "tap", "shape"),
    [
        ("googlenet", "inception_4a/output", (1, 5, 8, 512)),
        ("squeezenet1_1", "pool3", (1, 11, 15, 128)),
    ],
)
def test_stored_weights_are_loaded(name, tap, shape):
    architecture = architectures.find(name)
    weights = random_weights(architecture, np.random.default_rng(6))
    store.save(architecture, weights, {"source": "a test"})
    network = load(name, pooling=AVG_CEIL, precision=AUTO, offline=True)
    assert network.architecture is architecture
    assert network.pooling == AVG_CEIL
    first = architecture.convolutions[0].name
    np.testing.assert_array_equal(
        network.convolutions[first].kernel[...], weights[f"{first}/kernel"]
    )
    assert extract.digest_of(network) == store.stored_digest(architecture)
    seen = jax.eval_shape(lambda x: network(x, [tap]), jnp.zeros((1, 90, 128, 3)))
    assert seen[tap].features.shape == shape


def test_weights_that_are_stored_are_not_fetched_again():
    architecture = architectures.find("squeezenet1_1")
    weights = random_weights(architecture, np.random.default_rng(6))
    store.save(architecture, weights, {"source": "a test"})
    said = []
    assert fetched(["squeezenet1_1"], offline=False, report=said.append) == {
        "squeezenet1_1": store.stored_digest(architecture)
    }
    assert not said
    with pytest.raises(WeightsError, match="vgg19 are not stored"):
        fetched(["squeezenet1_1", "vgg19"], offline=True, report=said.append)


def test_auto_on_accelerators_is_bfloat16_with_full_products():
    assert (AUTO.dtype, AUTO.products) == (BFLOAT16.dtype, BFLOAT16.products)
