"""Style networks against PyTorch and onnxruntime with the same weights, odd sizes."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest
import torch
from support import style_references
from support.onnx_files import Painter
from support.style_networks import (
    NETWORKS,
    adain_files,
    arrays_of,
    microast_files,
    transformer_net,
    variables,
)

from nst_jax.feedforward.stylizer import Stylizer
from weights_convert.architectures.adain import AdaIN
from weights_convert.architectures.microast import MicroAST
from weights_convert.architectures.transformer import LENGSTROM, MULTISTYLE, Transformer
from weights_convert.stylizers import convert
from weights_convert.stylizers.stylizer import Stylizer as Stored

pytestmark = pytest.mark.parity

SIZES = [(48, 64), (37, 50), (33, 31)]


def _random(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def _loaded(*paths: Path) -> Stylizer:
    return Stylizer.of(convert.read(paths), {})


def _saved(folder: Path, **files: dict[str, np.ndarray]) -> list[Path]:
    """As PyTorch saves them."""
    paths = []
    for number, (name, arrays) in enumerate(files.items()):
        state = {k: torch.tensor(np.ascontiguousarray(v)) for k, v in arrays.items()}
        paths.append(folder / f"{name}.pth")
        zipped = number % 2 == 0
        torch.save(state, paths[-1], _use_new_zipfile_serialization=zipped)
    return paths


def _theirs(run: Callable, image: np.ndarray, multiple: int = 1) -> np.ndarray:
    """Padded by reflection to a multiple, and cropped after."""
    height, width = image.shape[:2]
    widths = ((0, -height % multiple), (0, -width % multiple), (0, 0))
    whole = np.pad(image, widths, "reflect").transpose(2, 0, 1)[None]
    with torch.no_grad():
        found = np.asarray(run(torch.tensor(whole)))
    return found[0].transpose(1, 2, 0)[:height, :width]


def _same(ours: jax.Array, theirs: np.ndarray) -> None:
    """Within 1e-4 of the range; and neither is flat, nor clipped away."""
    assert ours.shape == theirs.shape
    assert theirs.std() > 0.01
    assert (theirs % 1 > 0).mean() > 0.3
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_pytorch_examples(tmp_path, size):
    made = Transformer((8, 16, 32), 5, (16, 8))
    state = transformer_net(_louder(arrays_of(made)))
    stylizer = _loaded(*_saved(tmp_path, candy=state))
    image = _random(*size)
    theirs = _theirs(style_references.TransformerNet(state, 5), image, 4)
    _same(stylizer(image), theirs)


def _louder(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As trained ones do, the last layer spreads its values over 0 to 255."""
    return {**arrays, "last/kernel": arrays["last/kernel"] * 50}


@pytest.mark.parametrize("size", SIZES)
def test_lengstrom(tmp_path, size):
    made = dataclasses.replace(LENGSTROM, contract=(8, 16, 32), expand=(16, 8))
    named = variables(made, arrays_of(made))
    np.savez(tmp_path / "wave.npz", **named)
    image = _random(*size)
    theirs = _theirs(lambda x: style_references.lengstrom(named, x), image, 4)
    _same(_loaded(tmp_path / "wave.npz")(image), theirs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("form", ["node", "sums", "conditional"])
def test_onnxruntime(tmp_path, form, size):
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    made, output = Transformer((8, 16, 32), 2, (16, 8)), ""
    if form == "conditional":
        made = dataclasses.replace(MULTISTYLE, contract=(8, 16, 24), styles=3)
        output = "Sigmoid"
    norm = "pow" if form == "conditional" else form
    arrays = arrays_of(made) if output else _louder(arrays_of(made))
    painter = Painter(arrays, norm=norm, pads="computed")
    (path := tmp_path / "one.onnx").write_bytes(
        painter.file(blocks=made.blocks, output=output)
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shares = np.float32([0.2, 0.5, 0.3])

    def run(images: torch.Tensor) -> np.ndarray:
        fed = {"image": images.numpy() * made.white}
        if output:
            fed["style"] = shares
        return np.clip(session.run(None, fed)[0] / made.white, 0, 1)

    image = _random(*size)
    ours = _loaded(path)(image, shares if output else None)
    _same(ours, _theirs(run, image, 4))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_adain(tmp_path, size, strength):
    made = AdaIN((8, 12, 16, 24))
    encoder, decoder = adain_files(made, arrays_of(made))
    # As a trained one, it sees pictures of about a hundred a channel.
    encoder["2.weight"] = encoder["2.weight"] / 100
    reference = style_references.AdaIN(encoder, decoder)
    stylizer = _loaded(*_saved(tmp_path, decoder=decoder, vgg_normalised=encoder))
    image, paintings = _random(*size), [_random(41, 30, 1), _random(24, 45, 2)]
    styles = [torch.tensor(one.transpose(2, 0, 1))[None] for one in paintings]
    shares = [0.75, 0.25]
    vectors = [stylizer.style_of(one) for one in paintings]
    style = sum(share * one for share, one in zip(shares, vectors, strict=True))
    theirs = _theirs(lambda x: reference(x, styles, shares, strength), image)
    _same(stylizer(image, style, strength=strength), theirs)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_microast(tmp_path, size, strength):
    arrays = arrays_of(MicroAST(8))
    arrays["decoder/last/kernel"] /= 8  # Less of it is clipped away.
    files = microast_files(arrays)
    reference = style_references.MicroAST(files)
    stylizer = _loaded(*_saved(tmp_path, **files))
    image, painting = _random(*size), _random(43, 30, 1)
    style = torch.tensor(painting.transpose(2, 0, 1))[None]
    theirs = _theirs(lambda x: reference(x, style, strength), image, 4)
    _same(stylizer(image, stylizer.style_of(painting), strength=strength), theirs)


def test_adaptive_networks_are_conditional_ones_of_one_style():
    """Magenta's, whose 8-bit files round activations too: by the conditional one."""
    made = NETWORKS["adaptive"]
    arrays, vector = arrays_of(made), np.float32([0.3, -0.2, 0.5, 0.1, 0.9])
    one, as_one = dataclasses.replace(made, norm="conditional", styles=1), {}
    for key in one.shapes:
        as_one[key] = arrays.get(key)
        if as_one[key] is None:
            kernel, bias = arrays[f"{key}/kernel"], arrays[f"{key}/bias"]
            as_one[key] = (vector @ kernel + bias)[None]
    image = _random(37, 50)
    ours, theirs = (
        Stylizer.of(Stored(table, held, "a test"), {})
        for table, held in ((made, arrays), (one, as_one))
    )
    np.testing.assert_allclose(ours(image, vector), theirs(image, 0), atol=1e-5)
