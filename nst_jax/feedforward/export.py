"""Style networks for programs without this project: StableHLO and ONNX."""

import importlib.util
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.export
import jax.numpy as jnp

from nst_jax.errors import OptionsError
from nst_jax.feedforward import onnx_painters
from nst_jax.feedforward.stylizer import Network, Stylizer
from weights_convert.architectures.adain import AdaIN
from weights_convert.stylizers.architectures import Painter
from weights_convert.stylizers.stylizer import Stylizer as Stored

PLATFORMS = ("cpu", "cuda", "tpu")
SMALLEST = 16  # Pixels a side.


def stablehlo(stored: Stored, metadata: Mapping[str, str]) -> bytes:
    """A network's program for CPUs, CUDA and TPUs, of any number of pictures and size.

    `jax.export.deserialize(bytearray(file)).call(images[, style])` runs it, with
    `images` and what is returned as in `Stylizer`, `[b, h, w, 3]`, and `style`
    `[b, styles]`: shares that sum to 1, or a style's numbers.

    Args:
      stored: the network.
      metadata: of its file; a program has no place for it.
    """
    return bytes(exported(Stylizer.of(stored, metadata).network).serialize())


def exported(network: Network) -> jax.export.Exported:
    """The program of `stablehlo`; AdaIN's takes sizes that are multiples of 8."""
    architecture = network.architecture
    rounds = _rounds(architecture)
    shape = _rounded(architecture.multiple) if rounds else _any(architecture.multiple)
    given = [jax.ShapeDtypeStruct(shape, jnp.float32)]
    if architecture.takes:
        style = (shape[0], architecture.styles)
        given.append(jax.ShapeDtypeStruct(style, jnp.float32))
    painter: Any = network

    def painted(images: jax.Array, *style: jax.Array) -> jax.Array:
        if rounds:
            return painter(images, *style)
        height, width = images.shape[1:3]
        whole = images
        for axis in (1, 2):
            whole = _reflected(whole, axis, architecture.multiple)
        return painter(whole, *style)[:, :height, :width]

    return jax.export.export(jax.jit(painted), platforms=PLATFORMS)(*given)


def _rounds(architecture: Painter) -> bool:
    """Whether pooling rounds sizes up, which can't be told of unknown ones."""
    return isinstance(architecture, AdaIN)


def asks(stored: Stored, format: str) -> str:
    """What a file of `export` takes, in words."""
    architecture = stored.architecture
    order = "batch, 3, height, width" if format == "onnx" else "batch, height, width, 3"
    style = f"; and style [batch, {architecture.styles}]" if architecture.takes else ""
    sizes = f"of {SMALLEST} pixels a side or more"
    if format != "onnx" and _rounds(architecture):
        sizes = f"of sides that are multiples of {architecture.multiple}"
    return f"takes images [{order}], sRGB in [0, 1], {sizes}{style}"


def _any(multiple: int) -> tuple[Any, ...]:
    """Sizes from 16 pixels on, and what JAX can't see of the multiples above them."""
    fewest = SMALLEST // multiple
    constraints = [f"{side}>={SMALLEST}" for side in ("h", "w")]
    for side in ("h", "w"):
        count = f"floordiv({side}+{multiple - 1},{multiple})"
        constraints += [f"{multiple}*{count}>={side}", f"{count}>={fewest}"]
    return *jax.export.symbolic_shape("b,h,w", constraints=constraints), 3


def _rounded(multiple: int) -> tuple[Any, ...]:
    """Multiples from 16 pixels on."""
    constraints = [f"{side}>={SMALLEST // multiple}" for side in ("h", "w")]
    sizes = f"b,{multiple}*h,{multiple}*w"
    return *jax.export.symbolic_shape(sizes, constraints=constraints), 3


def _reflected(images: jax.Array, axis: int, multiple: int) -> jax.Array:
    """Made longer by reflection to a multiple, as `jnp.pad` does for known sizes."""
    size = images.shape[axis]
    places = jnp.arange((size + multiple - 1) // multiple * multiple)
    places = jnp.where(places < size, places, 2 * (size - 1) - places)
    return jnp.take(images, places, axis=axis)


FORMATS: Mapping[str, tuple[str, Callable[[Stored, Mapping[str, str]], bytes]]] = (
    MappingProxyType(
        {
            "stablehlo": ("flatbuffers", stablehlo),
            "onnx": ("onnx", onnx_painters.onnx_file),
        }
    )
)
"""Each with the package that it needs, and what makes the file."""


def export(stored: Stored, metadata: Mapping[str, str], format: str) -> bytes:
    """A file of a network for other programs.

    Args:
      stored: the network.
      metadata: of its file: where it comes from, its licence, names of its styles.
      format: "stablehlo" or "onnx".

    Raises:
      OptionsError: another format; a package is missing that it needs.
    """
    if format not in FORMATS:
        raise OptionsError(
            f"format={format!r} is not known; choose one of {', '.join(FORMATS)}"
        )
    package, make = FORMATS[format]
    if importlib.util.find_spec(package) is None:
        raise OptionsError(
            f"format={format} needs the package {package}: pip install"
            f" 'nst-jax[{format}]'"
        )
    return make(stored, metadata)
