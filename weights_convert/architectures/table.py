"""What a table is made of: layers as data, wired by name, and colours."""

import dataclasses
import functools
import re
from collections.abc import Collection, Mapping
from typing import TypeAlias

from weights_convert.errors import NetworkError

_SHOWN = 40  # Taps, at most, in one line.


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution: its stored name, the shape of its kernel, and its steps.

    Stored under `<name>/kernel` (`[height, width, inputs / groups, outputs]`, "HWIO")
    and `<name>/bias` (`[outputs]`). `padding` is rows and columns of zeros on each
    side. `bottom` names the layer that it sees; "" is the one before it in the table,
    and for the first the image.
    """

    name: str
    inputs: int
    outputs: int
    height: int = 3
    width: int = 3
    stride: int = 1
    padding: int = 1
    groups: int = 1
    bottom: str = ""

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """`(height, width, inputs / groups, outputs)`."""
        return (self.height, self.width, self.inputs // self.groups, self.outputs)


@dataclasses.dataclass(frozen=True)
class Relu:
    """Nothing below zero."""

    name: str
    bottom: str = ""


@dataclasses.dataclass(frozen=True)
class Pooling:
    """Maximum of square windows, or their mean where the user prefers that.

    `ceil` is Caffe's rounding: windows may reach over the last row and column, as long
    as they start before the end of the image and its padding.
    """

    name: str
    size: int = 2
    stride: int = 2
    padding: int = 0
    ceil: bool = False
    bottom: str = ""


@dataclasses.dataclass(frozen=True)
class LocalResponseNorm:
    """Division by `(k + alpha / size * sum of squares)^beta` over `size` channels.

    Krizhevsky et al. 2012, section 3.3, as Caffe computes it: they don't divide alpha.
    """

    name: str
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    bottom: str = ""


@dataclasses.dataclass(frozen=True)
class Concatenation:
    """The channels of several layers side by side."""

    name: str
    bottoms: tuple[str, ...]


Layer: TypeAlias = Convolution | Relu | Pooling | LocalResponseNorm | Concatenation


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """What a network expects of an sRGB image in [0, 1]: `(image - mean) / std`.

    Three numbers each, in RGB order: stored kernels always take RGB, whatever the
    order of the file they came from. `channels` is the order in which the network's
    authors feed it, "rgb" or "bgr".
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels: str = "rgb"


def caffe_colors(red: float, green: float, blue: float) -> Preprocessing:
    """Caffe's: 0..255, in BGR, minus the mean of ImageNet's training images."""
    mean = (red / 255, green / 255, blue / 255)
    return Preprocessing(mean, (1 / 255, 1 / 255, 1 / 255), "bgr")


# Simonyan & Zisserman's published 103.939, 116.779, 123.68 for B, G, R.
CAFFE = caffe_colors(123.68, 116.779, 103.939)

# torchvision's: mean and standard deviation of ImageNet in [0, 1].
TORCHVISION = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A pretrained network: `name` is what users type, every layer's name is a tap.

    `family` says which namings of files fit; `layers` are in an order in which each
    stands behind those it sees.
    """

    name: str
    family: str
    preprocessing: Preprocessing
    layers: tuple[Layer, ...]

    @functools.cached_property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The layers that have weights."""
        return tuple(x for x in self.layers if isinstance(x, Convolution))

    @functools.cached_property
    def bottoms(self) -> Mapping[str, tuple[str, ...]]:
        """The layers that each layer sees, by name; "" is the image."""
        bottoms, before = {}, ""
        for layer in self.layers:
            if isinstance(layer, Concatenation):
                bottoms[layer.name] = layer.bottoms
            else:
                bottoms[layer.name] = (layer.bottom or before,)
            before = layer.name
        return bottoms

    @property
    def taps(self) -> tuple[str, ...]:
        """Every tap, from the image up."""
        return tuple(layer.name for layer in self.layers)

    @property
    def trunk(self) -> tuple[str, ...]:
        """The taps that all above them see through: those outside of branches."""
        places = {tap: place for place, tap in enumerate(self.taps)}
        trunk, lowest = [], len(places)
        for tap in reversed(self.taps):
            if lowest >= places[tap]:
                trunk.append(tap)
            seen = [places.get(bottom, -1) for bottom in self.bottoms[tap]]
            lowest = min(lowest, *seen)
        return tuple(reversed(trunk))

    def stride(self, tap: str) -> int:
        """Pixels of the image between places of a tap."""
        steps = {x.name: x.stride for x in self.layers if hasattr(x, "stride")}
        stride = 1
        while tap:
            stride *= steps.get(tap, 1)
            tap = self.bottoms[tap][0]
        return stride

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every stored key with its shape: `{"conv1_1/kernel": (3, 3, 3, 64), ...}`."""
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in self.convolutions:
            shapes[f"{layer.name}/kernel"] = layer.kernel_shape
            shapes[f"{layer.name}/bias"] = (layer.outputs,)
        return shapes

    def check_taps(self, taps: Collection[str]) -> None:
        """Raises `NetworkError` if the network lacks one of `taps`."""
        unknown = [tap for tap in taps if tap not in self.taps]
        if not unknown:
            return
        it_has = ", ".join(self.taps)
        if len(self.taps) > _SHOWN:
            trunk = self.trunk
            it_has = (
                f"{', '.join(trunk)}, and {len(self.taps) - len(trunk)} in the branches"
                f" between these; `nst-weights taps {self.name}` lists all"
            )
        near = meant(unknown[0], self.taps)
        raise NetworkError(
            f"{self.name} has no tap {', '.join(unknown)}; {near}it has {it_has}"
        )

    def leading_to(self, taps: Collection[str]) -> tuple[Layer, ...]:
        """The layers that have to be computed for `taps`, in order."""
        needed = set(taps)
        for layer in reversed(self.layers):
            if layer.name in needed:
                needed.update(self.bottoms[layer.name])
        return tuple(layer for layer in self.layers if layer.name in needed)


def meant(name: str, known: Collection[str]) -> str:
    """`did you mean vgg19? `, if that is the same as VGG-19 but for case and marks."""
    bare = {_bare(one): one for one in known}.get(_bare(name))
    return f"did you mean {bare}? " if bare else ""


def _bare(name: str) -> str:
    return re.sub(r"[\W_]", "", str(name).lower())
