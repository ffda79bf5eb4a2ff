"""States of a training on the disk: the last few, each whole or not at all."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import jax
import numpy as np
import safetensors
import safetensors.numpy

from nst_jax.errors import CheckpointError
from nst_jax.feedforward.train import State
from nst_jax.images.outputs import write_whole
from weights_convert.store import tensors_digest

_NAME = re.compile(r"step_(\d{7})\.state")


class OtherTrainingError(CheckpointError):
    """The checkpoint of a training with other pictures or options."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A training between two steps.

    Attributes:
      state: of the network and the solver.
      position: of the photos, see `data.Photos`.
      steps: in all, which the schedule is for.
    """

    state: State
    position: int
    steps: int


def save(folder: Path, checkpoint: Checkpoint, digest: str, *, keep: int = 3) -> Path:
    """Writes a checkpoint, and removes those before the last `keep`.

    Args:
      folder: which exists.
      checkpoint: to write.
      digest: tells this training from others.
      keep: how many stay.

    Raises:
      OSError: it can't be written; those of before stay.
    """
    leaves = jax.device_get(jax.tree.leaves(checkpoint.state))
    arrays = {f"{n:04d}": np.asarray(leaf, order="C") for n, leaf in enumerate(leaves)}
    metadata = {
        "digest": digest,
        "position": str(checkpoint.position),
        "steps": str(checkpoint.steps),
    }
    metadata["sha256"] = _sum(metadata, arrays)
    content = safetensors.numpy.save(arrays, metadata)
    made = int(jax.device_get(checkpoint.state.step))
    path = folder / f"step_{made:07d}.state"
    write_whole(path, content)
    for old in _all(folder)[:-keep]:
        old.unlink(missing_ok=True)
    return path


def latest(
    folder: Path, like: State, digest: str, say: Callable[[str], None]
) -> Checkpoint | None:
    """The last checkpoint of a folder that is whole; None where there are none.

    Args:
      folder: which needn't exist.
      like: a state of the same training, such as its first.
      digest: the one given to `save`.
      say: takes lines about those that are passed over.

    Raises:
      CheckpointError: those that there are, are damaged or of another training.
    """
    passed: list[CheckpointError] = []
    for path in reversed(_all(folder)):
        try:
            found = _load(path, like, digest)
        except CheckpointError as error:
            passed.append(error)
            continue
        for wrong in passed:
            say(f"nst-jax: {wrong}; passed over")
        return found
    if passed:
        advice = "repeat that command, or choose another --output"
        if not isinstance(passed[0], OtherTrainingError):
            advice = "remove it to begin anew"
        raise type(passed[0])(f"{passed[0]}; {advice}")
    return None


def _all(folder: Path) -> list[Path]:
    found = [p for p in folder.glob("step_*.state") if _NAME.fullmatch(p.name)]
    return sorted(found)


def _sum(metadata: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of all that a checkpoint says; its own sum is no part of it."""
    told = json.dumps([sorted(metadata.items()), tensors_digest(arrays)])
    return hashlib.sha256(told.encode()).hexdigest()


def _load(path: Path, like: State, digest: str) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {key: file.get_tensor(key) for key in sorted(file.keys())}
        position, steps = int(metadata["position"]), int(metadata["steps"])
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path}: not a state of a training ({error})") from None
    before = tensors_digest(arrays)  # The sum of earlier ones.
    if metadata.pop("sha256", "") not in (_sum(metadata, arrays), before):
        raise CheckpointError(f"{path}: damaged")
    leaves, structure = jax.tree.flatten(like)
    if metadata.get("digest") != digest or [(x.shape, x.dtype) for x in leaves] != [
        (a.shape, a.dtype) for a in arrays.values()
    ]:
        raise OtherTrainingError(
            f"{path}: of a training with other pictures or options"
        )
    state = jax.tree.unflatten(structure, list(arrays.values()))
    return Checkpoint(state, position, steps)
