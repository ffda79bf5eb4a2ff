"""Style networks as this project keeps them: safetensors, and what they are as JSON.

`painter/KEY` for each key of the architecture, `predictor/KEY` of one that takes any
painting. The metadata says what the network is, so that any width comes back from its
file alone.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from weights_convert import store, verified
from weights_convert.architectures import NETWORKS
from weights_convert.errors import DamagedError, LaterVersionError, WeightsError
from weights_convert.files import write_whole
from weights_convert.formats import safetensors_file
from weights_convert.stylizers.architectures import PAINTERS, PREDICTORS, parsed, text
from weights_convert.stylizers.sources import PUBLISHED
from weights_convert.stylizers.stylizer import Stylizer, checked

_KIND = "nst_jax_stylizer"
_VERSION = "1"
_SEAL = "metadata_sha256"
"""Of all else in the metadata, which say how the arrays are computed with."""

_CONVERT = "`nst-weights convert` makes one of files of other systems"


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
    with np.errstate(over="ignore"):
        stored = {key: array.astype(dtype) for key, array in arrays.items()}
    if large := [key for key in stored if not np.isfinite(stored[key]).all()]:
        raise WeightsError(f"{path}: {large[0]} has values too large for {dtype}")
    described = {
        **metadata,
        _KIND: _VERSION,
        "architecture": text(good.architecture, PAINTERS),
        "layout": good.layout,
        "note": good.note,
        "tensors_sha256": store.tensors_digest(stored),
    }
    if good.predictor:
        described["predictor"] = text(good.predictor, PREDICTORS)
    described[_SEAL] = _seal(described)
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
      DamagedError: a stored one that isn't what was stored.
      WeightsError: no such file, damaged, or none of `save`.
    """
    return _load(path)[:2]


def stored_digest(path: Path) -> str:
    """Tells a file of `save` from others: the digest of its arrays.

    Of a stored file that has not changed since it was loaded, as recorded then.

    Raises:
      WeightsError: as `load`.
    """
    return _recalled(path) or _load(path)[2]


def verify(path: Path) -> store.Verification:
    """Checks a file of `save`: its hash, shapes and finite values.

    Raises:
      WeightsError: as `load`.
    """
    stylizer, metadata, digest = _load(path, again=True)
    arrays = {**stylizer.arrays}
    for key, array in stylizer.predictor_arrays.items():
        arrays[f"predictor/{key}"] = array
    return store.Verification(path, digest, metadata, store.in_numbers(arrays))


def _load(path: Path, *, again: bool = False) -> tuple[Stylizer, dict[str, str], str]:
    """`(network, metadata, digest)`; hashed `again` though a record knows it."""
    try:
        if not safetensors_file.matches(path):
            what = "damaged" if _is_stored(path) else f"no style network; {_CONVERT}"
            raise WeightsError(f"{path}: {what}")
        stamp = verified.stamp(path)
        metadata = safetensors_file.read_metadata(path)
        if metadata.get(_KIND, _VERSION) != _VERSION:
            raise LaterVersionError(f"{path}: of a later version of nst-jax; get that")
        _check_kind(path, metadata)
        if metadata.get(_SEAL, _seal(metadata)) != _seal(metadata):  # none of 0.1.0
            raise DamagedError(f"{path}: its metadata are damaged; {_remedy(path)}")
        arrays = safetensors_file.read(path)
        digest = None if again else _recalled(path)
        if digest is None:
            digest = store.checked_digest(path, arrays, metadata, _remedy(path))
            if _is_stored(path):
                verified.record(path, stamp, digest)
        return _described(path, arrays, metadata), metadata, digest
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror}") from error
    except (DamagedError, LaterVersionError):
        raise
    except WeightsError as error:
        if _is_stored(path):
            raise DamagedError(f"{error}; {_remedy(path)}") from error
        raise


def _seal(metadata: Mapping[str, str]) -> str:
    told = sorted(item for item in metadata.items() if item[0] != _SEAL)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _check_kind(path: Path, metadata: Mapping[str, str]) -> None:
    if _KIND in metadata:
        return
    if (network := metadata.get("network")) in NETWORKS:
        raise WeightsError(
            f"{path}: weights of {network}, a network that sees, and can't paint: it is"
            f" given as --network={network}"
        )
    raise WeightsError(f"{path}: no style network; {_CONVERT}")


def _described(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> Stylizer:
    """The network that the metadata describes, of these arrays."""
    try:
        stylizer = checked(_stylizer(arrays, metadata))
        if stylizer.architecture.takes != "vector":
            style_names(metadata, stylizer.architecture.styles)
        return stylizer
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def _is_stored(path: Path) -> bool:
    """Whether a file lies in the store, where records are kept beside it."""
    return path.absolute().parent == folder()


def _recalled(path: Path) -> str | None:
    return verified.recall(path) if _is_stored(path) else None


def _remedy(path: Path) -> str:
    """How a damaged file can be had again."""
    if not _is_stored(path):
        return "get it again"
    if path.stem in PUBLISHED:
        return f"replace it with `nst-weights fetch {path.stem} --force`"
    return f"make it again with `nst-weights convert FILE --to {path.stem}`"


def style_names(metadata: Mapping[str, str], count: int) -> tuple[str, ...]:
    """The names of a network's styles; their numbers where it has no names.

    Args:
      metadata: of the file.
      count: how many styles the network has.

    Raises:
      WeightsError: not so many names, or some that can't be names.
    """
    try:
        names = json.loads(metadata.get("styles", "null"))
    except (ValueError, RecursionError):
        names = ""
    if names is None:
        return tuple(map(str, range(count)))
    return checked_names(names, count)


def checked_names(names: Any, count: int) -> tuple[str, ...]:
    """Names of styles, one for each.

    Raises:
      WeightsError: not so many, two alike, or some that can't be told from shares and
        numbers.
    """
    plain = isinstance(names, list | tuple) and all(
        isinstance(name, str) and re.fullmatch(r"[^\s,:][^\n,:]{0,99}", name)
        for name in names
    )
    if not plain or any(
        name.isdigit() and name != str(place) for place, name in enumerate(names)
    ):
        raise WeightsError(
            f"styles {names!s:.80}: names are neither empty nor numbers, and have no"
            " comma or colon"
        )
    if len(set(names)) != count or len(names) != count:
        raise WeightsError(
            f"{len(names)} names of styles, {len(set(names))} of them different; the"
            f" network has {count}"
        )
    return tuple(names)


def _stylizer(
    arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> Stylizer:
    def part(name: str) -> dict[str, np.ndarray]:
        return {
            key.removeprefix(name): array
            for key, array in arrays.items()
            if key.startswith(name)
        }

    told = metadata.get("predictor")
    return Stylizer(
        parsed(metadata.get("architecture", ""), PAINTERS),
        part("painter/"),
        metadata.get("layout", ""),
        metadata.get("note", ""),
        parsed(told, PREDICTORS) if told else None,
        part("predictor/"),
    )
