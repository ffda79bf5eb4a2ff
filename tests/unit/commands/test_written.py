"""`--size=original`, `--bits` and `--transparency` of the commands."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from support import stylizers
from support.batch_folder import folder, picture
from support.program import QUICK, run
from support.stored_weights import home

from nst_jax.images import encode, files

__all__ = ["folder", "home"]

OFF = "--compilation_cache_dir=off"
ASKED = ("--bits=16", "--transparency=keep")


@pytest.fixture
def place(folder):
    """The working folder, with a photo that has a hole."""
    levels = encode.quantize(np.dstack([picture(7, 40, 30), np.ones((40, 30))]))
    levels[10:20, 5:25, 3] = 0
    Image.fromarray(levels).save("photos/hole.png")
    return folder


def opacity() -> np.ndarray:
    found = np.full((40, 30), 65535)
    found[10:20, 5:25] = 0
    return found


def test_one_picture(place, capsys):
    command = ("stylize", "photos/hole.png", "paintings/p.png", *QUICK, *ASKED)
    assert run(*command, "--size=original", "-o", "out.tif") == 0
    levels = tifffile.imread("out.tif")
    assert levels.dtype == np.uint16
    np.testing.assert_array_equal(levels[..., 3], opacity())
    options = files.read_description("out.tif")["options"]
    assert (options["size"], options["bits"]) == ("original", 16)
    assert options["transparency"] == "keep"
    output, errors = capsys.readouterr()
    assert output.startswith("out.tif: 30x40, loss")
    assert errors.splitlines() == [
        "photos/hole.png: has transparency; composited on white"
    ]


@pytest.mark.slow
def test_a_batch_makes_each_at_its_own_size_and_anew_in_other_bits(place, capsys):
    command = ("batch", *QUICK, "--size=original", "--output_dir=out")
    command += ("--contents", "photos", "--styles", "paintings/p.png")
    assert run(*command, *ASKED) == 0
    output, errors = capsys.readouterr()
    assert "out/a_p.png: 48x66, loss" in output
    assert "out/hole_p.png: 30x40, loss" in output
    for name in "ab":
        assert f"photos/{name}.png: has no transparency to be kept" in errors
    with Image.open("out/hole_p.png") as found:
        assert found.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(found)[..., 3], opacity() >> 8)
    with Image.open("out/a_p.png") as found:
        assert found.mode == "RGB"
    assert run(*command, *ASKED) == 0
    assert "3 of 3 are done already" in capsys.readouterr().err
    assert run(*command, "--transparency=keep") == 0
    output, _ = capsys.readouterr()
    assert output.count(" iterations\n") == 3


@pytest.mark.slow
def test_one_pass(place, capsys):
    stylizers.put(place / "net.safetensors")
    command = ("apply", "photos/hole.png", "--model=net.safetensors", "--style=munch")
    assert run(*command, "--size=original", *ASKED, "-o", "out.tif", OFF) == 0
    levels = tifffile.imread("out.tif")
    assert levels.dtype == np.uint16
    np.testing.assert_array_equal(levels[..., 3], opacity())
    assert files.read_description("out.tif")["options"]["size"] is None
    capsys.readouterr()
    assert run(*command, *ASKED, "-o", "out.jpg", OFF) == 1
    assert capsys.readouterr().err.startswith("nst-jax: out.jpg: bits=16 needs .png")


@pytest.mark.slow
def test_one_pass_says_what_it_enlarges(place, capsys):
    stylizers.put(place / "net.safetensors")
    command = ("apply", "photos/hole.png", "--model=net.safetensors", "--style=munch")
    assert run(*command, "--size=50", "-o", "out.png", OFF) == 0
    assert capsys.readouterr().err.splitlines() == [
        "photos/hole.png is enlarged, from 30x40 pixels to 38x50: a smaller size shows "
        "as much",
        "photos/hole.png: has transparency; composited on white",
    ]
