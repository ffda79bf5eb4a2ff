"""The project's own weights files: `$NST_JAX_HOME/weights/NAME.safetensors`.

Flat keys `conv1_1/kernel` (HWIO, float32, RGB) and `conv1_1/bias`; the metadata says
where the numbers come from, and their hash, which is checked on loading; `verified`
remembers that it was. `$NST_JAX_HOME` defaults to `~/.cache/nst_jax`.
"""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import safetensors.numpy

from weights_convert import verified
from weights_convert.architectures import Architecture
from weights_convert.errors import DamagedError, WeightsError
from weights_convert.files import write_whole
from weights_convert.formats import safetensors_file


def home() -> Path:
    """Folder of all this project keeps: `$NST_JAX_HOME` or `~/.cache/nst_jax`."""
    chosen = os.environ.get("NST_JAX_HOME")
    return Path(chosen or "~/.cache/nst_jax").expanduser().absolute()


def weights_folder() -> Path:
    """Folder of the stored weights, whether or not it is there."""
    return home() / "weights"


def weights_path(architecture: Architecture) -> Path:
    """Where a network's weights are stored, whether or not they are there."""
    return weights_folder() / f"{architecture.name}.safetensors"


def tensors_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


def save(
    architecture: Architecture,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, str],
) -> Path:
    """Stores a network's weights; the file appears whole or not at all.

    Args:
      architecture: the network.
      arrays: float32 arrays, exactly its keys and shapes.
      metadata: where they come from; `tensors_sha256` is added.

    Returns:
      The path of the stored file.

    Raises:
      WeightsError: the arrays do not fit, or the file cannot be written.
    """
    path = weights_path(architecture)
    _check(arrays, architecture, path)
    contiguous = {key: np.ascontiguousarray(arrays[key]) for key in arrays}
    described = {**metadata, "tensors_sha256": tensors_digest(contiguous)}
    write_whole(path, safetensors.numpy.save(contiguous, described))
    return path


def load(
    architecture: Architecture,
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Loads a network's weights.

    Args:
      architecture: the network.

    Returns:
      `({key: float32 array}, metadata)`; kernels `[height, width, inputs, outputs]`
      taking RGB, biases `[outputs]`.

    Raises:
      DamagedError: not the values that were stored, or not of the network's names and
        shapes, all of them named at once.
      WeightsError: not stored yet, or not readable; says what to do.
    """
    return _load(architecture)[:2]


def stored_digest(architecture: Architecture) -> str:
    """Tells the stored weights of a network from others: their `tensors_digest`.

    Of a file that has not changed since it was loaded, as recorded then; of others it
    is computed.

    Raises:
      WeightsError: as `load`.
    """
    with _stored(architecture) as path:
        digest = verified.recall(path)
    return digest or _load(architecture)[2]


def _load(
    architecture: Architecture, *, again: bool = False
) -> tuple[dict[str, np.ndarray], dict[str, str], str]:
    """`(arrays, metadata, digest)`; hashed `again` though a record knows the digest."""
    with _stored(architecture) as path:
        stamp = verified.stamp(path)
        arrays = safetensors_file.read(path)
        metadata = safetensors_file.read_metadata(path)
        digest = None if again else verified.recall(path)
    try:
        _check(arrays, architecture, path)
    except WeightsError as error:
        raise DamagedError(str(error)) from error
    if digest is None:
        digest = checked_digest(path, arrays, metadata, _remedy(architecture))
        verified.record(path, stamp, digest)
    return arrays, metadata, digest


def checked_digest(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str], do: str
) -> str:
    """The `tensors_digest` of a file's arrays, which its metadata says too.

    Raises:
      DamagedError: another than it says; `do` is what to do.
    """
    digest = tensors_digest(arrays)
    expected = metadata.get("tensors_sha256", digest)
    if digest != expected:
        raise DamagedError(
            f"{path}: wrong hash: expected sha256 {expected:.64}, got {digest}; {do}"
        )
    return digest


@contextlib.contextmanager
def _stored(architecture: Architecture) -> Iterator[Path]:
    """The path of stored weights, while they are read; errors say what to do."""
    path = weights_path(architecture)
    if not path.is_file():
        raise WeightsError(
            f"the weights of {architecture.name} are not stored in {path.parent};"
            f" {_remedy(architecture, 'get')}"
        )
    try:
        yield path
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except WeightsError as error:
        raise DamagedError(f"{error}; {_remedy(architecture)}") from error


def _remedy(architecture: Architecture, what: str = "replace") -> str:
    """How weights that are missing or damaged can be had."""
    name = architecture.name
    if name.endswith("-normalized"):
        plain = name.removesuffix("-normalized")
        return f"make them with `nst-weights normalize {plain} IMAGES...`"
    force = " --force" if what == "replace" else ""
    return f"{what} them with `nst-weights fetch {name}{force}`"


def _check(
    arrays: Mapping[str, np.ndarray], architecture: Architecture, path: Path
) -> None:
    shapes = architecture.shapes
    errors = [f"{key}: missing" for key in shapes if key not in arrays]
    errors += [f"{key}: not in the network" for key in arrays if key not in shapes]
    for key in shapes.keys() & arrays.keys():
        if arrays[key].shape != shapes[key]:
            errors.append(f"{key}: shape {arrays[key].shape}, expected {shapes[key]}")
        if arrays[key].dtype != np.float32:
            errors.append(f"{key}: type {arrays[key].dtype}, expected float32")
    if errors:
        raise WeightsError(
            f"{path}: does not fit network {architecture.name!r}: "
            + "; ".join(sorted(errors))
        )


@dataclasses.dataclass(frozen=True)
class LayerStatistics:
    """One stored tensor in numbers: `mean` and `std` over all its values."""

    key: str
    shape: tuple[int, ...]
    mean: float
    std: float


@dataclasses.dataclass(frozen=True)
class Verification:
    """What `verify` found: the digest of the tensors, and each in numbers."""

    path: Path
    digest: str
    metadata: Mapping[str, str]
    layers: tuple[LayerStatistics, ...]


def verify(architecture: Architecture) -> Verification:
    """Checks a stored network: shapes, finite values, and the hash it was stored with.

    Raises:
      WeightsError: as `load`; or there is no hash, or values are not finite.
    """
    arrays, metadata, digest = _load(architecture, again=True)
    path = weights_path(architecture)
    bad = [key for key, array in arrays.items() if not np.isfinite(array).all()]
    if bad or "tensors_sha256" not in metadata:
        found = f"values not finite in {', '.join(bad)}" if bad else "has no hash"
        raise DamagedError(f"{path}: {found}; {_remedy(architecture)}")
    ordered = {key: arrays[key] for key in architecture.shapes}
    return Verification(path, digest, metadata, in_numbers(ordered))


def in_numbers(arrays: Mapping[str, np.ndarray]) -> tuple[LayerStatistics, ...]:
    """Each tensor in numbers, in their order."""
    return tuple(
        LayerStatistics(
            key,
            array.shape,
            float(array.mean(dtype=np.float64)),
            float(array.std(dtype=np.float64)),
        )
        for key, array in arrays.items()
    )
