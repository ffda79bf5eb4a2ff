"""Pictures as networks see them that no style was optimised in, at several scales.

Styles are optimised in VGG-19 at relu1_1 to relu5_1, or in VGG-16; what is measured
there is measured by what was minimised. So distances are taken at other taps, in two
families of weights, with AlexNet as a third voice: where they don't agree, nothing is
shown.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import nst_jax
from nst_jax.images import resize

SCALES = (1, 2, 4)
"""What pictures are divided by: at a quarter, large strokes are what small ones are."""

LEAST = 6
"""Positions a side that a map must have to say anything, and its halves too; those of
LPIPS may have fewer."""

Seen = Mapping[tuple[str, int, str], np.ndarray]
"""`{(eye, scale, tap): [h', w', c] float32}`, what all eyes see of a picture."""


@dataclasses.dataclass(frozen=True)
class Eye:
    """A network, and where it is asked for what.

    Attributes:
      name: in figures.
      network: as `nst_jax.load_network` has it.
      style: taps whose distributions are compared.
      patches: taps whose patches are.
      content: taps whose self-similarity is.
      lpips: taps of LPIPS; () of a network that isn't asked.
    """

    name: str
    network: str
    style: tuple[str, ...]
    patches: tuple[str, ...]
    content: tuple[str, ...]
    lpips: tuple[str, ...] = ()

    @property
    def taps(self) -> tuple[str, ...]:
        """All of them, each once."""
        every = (*self.style, *self.patches, *self.content, *self.lpips)
        return tuple(dict.fromkeys(every))


EYES = (
    Eye(
        "vgg16",
        "vgg16-torchvision",
        style=("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
        patches=("relu2_2", "relu3_3"),
        content=("relu3_3", "relu4_3"),
        lpips=("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    ),
    Eye(
        "vgg19",
        "vgg19",
        style=("relu1_2", "relu2_2", "relu3_4", "relu4_4"),
        patches=("relu2_2", "relu3_4"),
        content=("relu3_4", "relu4_4"),
    ),
    Eye(
        "alexnet",
        "alexnet",
        style=("relu2", "relu3"),
        patches=("relu2",),
        content=("relu3",),
    ),
)


@dataclasses.dataclass(frozen=True)
class Eyes:
    """Eyes with their networks loaded.

    Attributes:
      eyes: which.
      networks: of each. Not `prepared`: a few looks don't pay for the compiling.
    """

    eyes: Sequence[Eye]
    networks: Sequence[Any]

    @classmethod
    def opened(
        cls,
        eyes: Sequence[Eye] = EYES,
        *,
        offline: bool = False,
        report: Callable[[str], None] | None = None,
    ) -> "Eyes":
        """Loads the networks, in float32 on any device; fetches what isn't stored.

        Args:
          eyes: which.
          offline: don't fetch.
          report: takes lines about what is fetched.

        Raises:
          WeightsError: weights that can't be had.
        """
        networks = [
            nst_jax.load_network(
                eye.network, precision="float32", offline=offline, report=report
            )
            for eye in eyes
        ]
        return cls(eyes, networks)

    def see(self, image: np.ndarray) -> Seen:
        """What all eyes see of a picture.

        Pictures of every shape go through one program for each scale, padded to the
        square of their longer side: what is seen is what the picture alone would give.

        Args:
          image: `[h, w, 3]` float32, sRGB in [0, 1].
        """
        found = {}
        for scale in SCALES:
            small = shrunk(image, scale)
            framed, extents = _framed(small, math.ceil(max(image.shape[:2]) / scale))
            for eye, network in zip(self.eyes, self.networks, strict=True):
                views = _views(network, framed, extents, eye.taps)
                for tap, view in views.items():
                    features = _own(view)
                    whole = scale == 1 and tap in eye.lpips
                    if whole or min(features.shape[:2]) >= LEAST:
                        found[eye.name, scale, tap] = features
        return found


def shrunk(image: np.ndarray, scale: int) -> np.ndarray:
    """A picture `[h, w, 3]` with its sides divided, `[round(h/scale), ...]`."""
    height, width = (max(1, round(side / scale)) for side in image.shape[:2])
    return resize.resize(image, (height, width))


def _framed(image: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    frame = np.zeros((1, 16 * math.ceil(side / 16), 16 * math.ceil(side / 16), 3))
    height, width, _ = image.shape
    frame[0, :height, :width] = image
    return frame.astype(np.float32), np.array([[height, width]], np.int32)


@functools.partial(jax.jit, static_argnums=3)
def _views(network: Any, images: Any, extents: Any, taps: tuple[str, ...]) -> Any:
    views = network(images, taps, extents)
    return {
        tap: (view.features[0].astype(jnp.float32), view.weight[0])
        for tap, view in views.items()
    }


def _own(view: Any) -> np.ndarray:
    """The features of the picture itself, without the padding around it."""
    features, weight = (np.asarray(part) for part in view)
    rows, columns = int(weight[:, 0].sum()), int(weight[0].sum())
    return features[:rows, :columns]
