"""`nst-weights normalize`: images in, a rescaled network in the store."""

import re

import numpy as np
import pytest
from support import stored_weights
from support.batch_folder import picture
from support.program import run_weights

from nst_jax.images import files, resize
from nst_jax.networks import extract, statistics
from weights_convert import architectures, store


@pytest.mark.slow  # The smallest network that it takes has 15 million weights.
def test_the_means_are_one_afterwards(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "own"))
    stored_weights.put_random(name="vgg16")
    files.write("wide.png", picture(5, 40, 70))
    files.write("tall.png", picture(6, 90, 33))
    images = ("wide.png", "tall.png")
    assert run_weights("normalize", "vgg16", *images, "--size=32") == 0
    made = architectures.find("vgg16-normalized")
    output, errors = capsys.readouterr()
    assert output == f"{store.weights_path(made)}\n"
    assert "stored vgg16-normalized" in errors
    weights, metadata = store.load(made)
    assert "over 2 images of 32x32" in metadata["note"]
    network = extract.build(made, weights)
    squares = [resize.square(files.read(name), 32) for name in images]
    for mean in statistics.mean_activations(network, squares).values():
        np.testing.assert_allclose(mean[mean > 0], 1, rtol=5e-3)
        assert (mean > 0).any()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["vgg19", "none.png"], "none.png: no such file"),
        (["vgg19", "photos/notes.txt"], "photos/notes.txt: is not an image"),
        (["vgg19", "photos/a.png", "--size=8"], "--size=8: must be from 32 to 2048"),
        (["vgg19-normalized", "photos/a.png"], "vgg19-normalized has no rescaled for"),
        (["vgg91", "photos/a.png"], "network 'vgg91' is not known; choose one of"),
    ],
)
def test_errors_are_one_line(folder, capsys, monkeypatch, tmp_path, arguments, line):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "own"))
    stored_weights.put("vgg19")  # Whoever loads it fails.
    before = store.weights_path(architectures.find("vgg19")).read_bytes()
    assert run_weights("normalize", *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert re.fullmatch(rf"nst-weights: {re.escape(line)}[^\n]*\n", errors), errors
    (stored,) = store.weights_folder().glob("*.safetensors")
    assert stored.read_bytes() == before
