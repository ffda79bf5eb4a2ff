"""Style networks as this project keeps them: safetensors, and what they are as JSON.

`painter/KEY` for each key of the architecture, `predictor/KEY` of one that takes any
painting. The metadata says what the network is, so that any width comes back from its
file alone.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from weights_convert import store
from weights_convert.architectures import transformer
from weights_convert.architectures.mobilenet import Predictor
from weights_convert.errors import WeightsError
from weights_convert.files import write_whole
from weights_convert.formats import safetensors_file
from weights_convert.stylizers.stylizer import Stylizer, checked

_KIND = "nst_jax_stylizer"
_VERSION = "1"


def folder() -> Path:
    """Where style networks are stored by name, whether or not it is there."""
    return store.home() / "stylizers"


def path_of(name: str) -> Path:
    """Where the style network of a name is stored, whether or not it is there."""
    return folder() / f"{name}.safetensors"


def save(
    path: Path,
    stylizer: Stylizer,
    metadata: Mapping[str, str],
    *,
    dtype: str = "float32",
) -> None:
    """Writes a style network; the file appears whole or not at all.

    Args:
      path: the file.
      stylizer: what to write.
      metadata: where it comes from, its licence, names of its styles.
      dtype: "float32", or "float16", which halves the file.

    Raises:
      WeightsError: arrays that don't fit, or a file that can't be written.
    """
    good = checked(stylizer)
    arrays = {f"painter/{key}": array for key, array in good.arrays.items()}
    arrays |= {f"predictor/{k}": array for k, array in good.predictor_arrays.items()}
    stored = {key: array.astype(dtype) for key, array in arrays.items()}
    described = {
        **metadata,
        _KIND: _VERSION,
        "architecture": good.architecture.text(),
        "layout": good.layout,
        "note": good.note,
        "tensors_sha256": store.tensors_digest(stored),
    }
    if good.predictor:
        described["predictor"] = json.dumps(dataclasses.asdict(good.predictor))
    write_whole(path, safetensors.numpy.save(stored, described))


def matches(path: Path) -> bool:
    """Whether a file is one of `save`."""
    return (
        path.is_file()
        and safetensors_file.matches(path)
        and _KIND in safetensors_file.read_metadata(path)
    )


def load(path: Path) -> tuple[Stylizer, dict[str, str]]:
    """Reads a file of `save`.

    Returns:
      The network, float32, and the metadata.

    Raises:
      WeightsError: no such file, damaged, or none of `save`.
    """
    try:
        metadata = safetensors_file.read_metadata(path)
        if _KIND not in metadata:
            raise WeightsError(
                f"{path}: no style network; `nst-weights convert` makes one of files of"
                " other systems"
            )
        if metadata[_KIND] != _VERSION:
            raise WeightsError(f"{path}: of a later version of nst-jax; get that")
        arrays = safetensors_file.read(path)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from error
    if store.tensors_digest(arrays) != metadata.get("tensors_sha256"):
        raise WeightsError(
            f"{path}: damaged: its numbers aren't those that were stored"
        )
    try:
        return checked(_stylizer(arrays, metadata)), metadata
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def _stylizer(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> Stylizer:
    def part(name: str) -> dict[str, np.ndarray]:
        return {
            key.removeprefix(name): array
            for key, array in arrays.items()
            if key.startswith(name)
        }

    predictor = None
    if text := metadata.get("predictor"):
        try:
            predictor = Predictor(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise WeightsError(f"no predictor: {text:.100}") from error
    return Stylizer(
        transformer.parsed(metadata.get("architecture", "")),
        part("painter/"),
        metadata.get("layout", ""),
        metadata.get("note", ""),
        predictor,
        part("predictor/"),
    )
