"""`nst-weights normalize`: images in, a rescaled network in the store."""

import re
import subprocess
import sys
from types import MappingProxyType

import numpy as np
import pytest

import weights_convert.normalize
from nst_jax.commands import normalize
from nst_jax.images import files, resize
from nst_jax.networks import extract, statistics
from weights_convert import architectures, commands, store

LAYERS = (
    architectures.Convolution("conv1_1", 3, 4),
    architectures.Convolution("conv2_1", 4, 5),
)


@pytest.fixture
def networks(monkeypatch, tmp_path):
    made = (
        architectures.Architecture(
            name, "vgg", architectures.CAFFE, architectures.vgg_layers(LAYERS)
        )
        for name in ("vgg19", "vgg19-normalized")
    )
    known = MappingProxyType({table.name: table for table in made})
    for module in (store, registry, weights_convert.normalize):
        monkeypatch.setattr(module, "NETWORKS", known)
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    weights = extract.random_weights(known["vgg19"], np.random.default_rng(0))
    store.save("vgg19", weights, {"licence": "free"})
    return known


def call(*arguments):
    parsed = commands._parse(["nst-weights", *arguments], [normalize.add_parser])
    return commands.main(parsed)


def test_the_means_are_one_afterwards(networks, capsys):
    generator = np.random.default_rng(2)
    for name, shape in (("wide.png", (40, 70, 3)), ("tall.png", (90, 33, 3))):
        files.write(name, generator.random(shape).astype(np.float32))
    assert call("normalize", "vgg19", "wide.png", "tall.png", "--size=32") == 0
    out, err = capsys.readouterr()
    assert out == f"{store.weights_path('vgg19-normalized')}\n"
    assert "stored vgg19-normalized" in err
    weights, metadata = store.load("vgg19-normalized")
    assert "over 2 images of 32x32" in metadata["note"]
    network = extract.build("vgg19-normalized", weights)
    squares = [resize.square(files.read(n), 32) for n in ("wide.png", "tall.png")]
    assert [square.shape for square in squares] == [(32, 32, 3)] * 2
    means = statistics.mean_activations(network, squares)
    for mean in means.values():
        np.testing.assert_allclose(mean[mean > 0], 1, rtol=1e-3)
        assert (mean > 0).any()


def test_is_a_command_of_the_program():
    command = [sys.executable, "-m", "nst_jax.commands.weights", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for word in ("list", "fetch", "convert", "verify", "export", "normalize"):
        assert re.search(rf"^ +{word}\b", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["vgg19", "none.png"], "none.png: no such file"),
        (["vgg19", "text.png"], "text.png: "),
        (["vgg19", "text.png", "--size=8"], "--size=8: must be from 32 to 2048"),
        (["vgg19-normalized", "text.png"], "vgg19-normalized has no rescaled form; "),
        (["vgg91", "text.png"], "unknown network 'vgg91'"),
    ],
)
def test_errors_are_one_line(networks, capsys, tmp_path, arguments, line):
    (tmp_path / "text.png").write_text("no picture")
    assert call("normalize", *arguments) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(rf"(?s)nst-weights: {line}[^\n]*\n", err), err
    assert not store.weights_path("vgg19-normalized").exists()
