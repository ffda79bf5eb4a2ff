"""Programs of style networks for others; loaded elsewhere in tests/parity."""

import importlib.util

import jax
import numpy as np
import pytest
from support.style_networks import NETWORKS, arrays_of, vector_of

from nst_jax.devices import backend
from nst_jax.errors import OptionsError
from nst_jax.feedforward import export
from nst_jax.feedforward.stylizer import Stylizer
from weights_convert.architectures.transformer import Transformer
from weights_convert.stylizers.stylizer import Stylizer as Stored


def _stored(name: str) -> Stored:
    architecture = NETWORKS[name]
    return Stored(architecture, arrays_of(architecture), "a test")


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_a_program_is_for_any_number_of_any_size(kind: str) -> None:
    with backend.made_for(kind):
        program = export.exported(Stylizer.of(_stored("conditional"), {}).network)
    assert program.platforms == export.PLATFORMS
    given = [tuple(map(str, one.shape)) for one in program.in_avals]
    assert given == [("b", "h", "w", "3"), ("b", "3")]
    assert program.out_avals[0].shape == program.in_avals[0].shape


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conditional", "lengstrom", "adain", "microast"])
def test_a_program_paints_what_the_network_does(name: str) -> None:
    painter = Stylizer.of(_stored(name), {}).network
    program = export.exported(painter)
    style = vector_of(painter.architecture)
    size = (2, 16, 24) if name == "adain" else (2, 17, 22)
    images = np.random.default_rng(0).random((*size, 3), np.float32)
    given = [images]
    if style is not None:
        given.append(np.broadcast_to(style, (len(images), len(style))))
    found = np.asarray(program.call(*given))
    np.testing.assert_allclose(found, jax.jit(painter)(*given), atol=1e-5)
    small = images[:, :8] if name == "adain" else images[:, :15]
    with pytest.raises(ValueError, match=r"h.*>= ?(16|2)\b"):
        program.call(small, *given[1:])


def test_what_a_file_takes_is_said() -> None:
    plain = "sRGB in [0, 1], of 16 pixels a side or more"
    assert export.asks(_stored("conditional"), "stablehlo") == (
        f"takes images [batch, height, width, 3], {plain}; and style [batch, 3]"
    )
    assert export.asks(_stored("pytorch/examples"), "onnx") == (
        f"takes images [batch, 3, height, width], {plain}"
    )
    assert "multiples of 8; " in export.asks(_stored("adain"), "stablehlo")
    assert "multiples" not in export.asks(_stored("adain"), "onnx")


def test_an_unknown_format() -> None:
    with pytest.raises(OptionsError, match=r"'tflite' is not known; .* onnx"):
        export.export(_stored("conditional"), {}, "tflite")


@pytest.mark.parametrize("format", export.FORMATS)
def test_a_package_that_is_missing(format: str) -> None:
    package, _ = export.FORMATS[format]
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(OptionsError, match=rf"pip install 'nst-jax\[{format}\]'"):
        export.export(_stored("conditional"), {}, format)


@pytest.mark.slow  # It compiles for long.
def test_wide_networks_are_exported_with_sizes_that_are_not_known() -> None:
    """From 64 channels on CPUs convolve otherwise where they know the size."""
    how = Transformer((4, 8, 64), 1, (8, 4))
    stylizer = Stylizer.of(Stored(how, arrays_of(how), "a test"), {})
    program = export.exported(stylizer.network)
    image = np.random.default_rng(0).random((1, 33, 50, 3), np.float32)
    np.testing.assert_allclose(program.call(image), stylizer(image), atol=1e-4)
