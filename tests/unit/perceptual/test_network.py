"""Networks by the words of `Options`."""

import numpy as np
import pytest
from support.tiny import random_weights

import nst_jax
from nst_jax.errors import OptionsError
from nst_jax.networks.pooling import AVG_CEIL
from nst_jax.options import Options, word
from nst_jax.perceptual.network import load_network, network_of
from weights_convert import architectures, store
from weights_convert.errors import NetworkError, WeightsError

NAME = "squeezenet1_1"


@pytest.fixture(autouse=True)
def _own_store(monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path))


def test_what_is_wrong_is_said_before_anything_is_fetched():
    said = []
    with pytest.raises(NetworkError, match="'VGG-19' is not known; did you mean vgg19"):
        load_network("VGG-19", report=said.append)
    with pytest.raises(OptionsError, match="pooling='l2' is not known; choose one of"):
        load_network(pooling="l2", report=said.append)
    with pytest.raises(OptionsError, match="precision='f16' is not known; did you"):
        load_network(precision="f16", report=said.append)
    with pytest.raises(WeightsError, match="vgg19 are not stored"):
        load_network(offline=True, report=said.append)
    assert not said


def test_words_are_those_of_options():
    architecture = architectures.find(NAME)
    weights = random_weights(architecture, np.random.default_rng(6))
    store.save(architecture, weights, {"source": "a test"})
    by_words = nst_jax.load_network(
        NAME, pooling="avg_ceil", precision="bfloat16", offline=True
    )
    options = Options(network=NAME, pooling="avg_ceil", precision="bfloat16")
    for network in (by_words, network_of(options, offline=True)):
        assert network.architecture is architecture
        assert network.pooling == AVG_CEIL
        kernel = network.convolutions[architecture.convolutions[0].name].kernel
        assert kernel[...].dtype == "bfloat16"
    assert word("pooling", by_words.pooling) == "avg_ceil"
