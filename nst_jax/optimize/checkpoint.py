"""A run's state in a file, so that an interrupted run can go on where it stopped."""

import os
import tempfile
from pathlib import Path

import jax
import numpy as np
import safetensors
import safetensors.numpy

from nst_jax.optimize.engine import State


class CheckpointError(ValueError):
    """A file that is no state, or the state of another run."""


class SpentError(CheckpointError):
    """The state of a run that made all iterations asked for, or more.

    Attributes:
      made: how many.
    """

    def __init__(self, path: Path, made: int, steps: int):
        super().__init__(
            f"{path}: made {made} iterations already, and {steps} are asked for"
        )
        self.made = made


def save(path: Path, state: State, fingerprint: str) -> None:
    """Writes `state` to `path`, a safetensors file, atomically.

    Args:
      path: where; the folder must exist.
      state: of a run.
      fingerprint: tells this run from others; `load` compares it.

    Raises:
      OSError: the file can't be written.
    """
    leaves = jax.device_get(jax.tree.leaves(state))
    arrays = {f"{i:03d}": np.asarray(leaf, order="C") for i, leaf in enumerate(leaves)}
    data = safetensors.numpy.save(arrays, metadata={"fingerprint": fingerprint})
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def keep(path: Path, state: State | None, fingerprint: str) -> str | None:
    """Has `state` in the file, or no file if it is None.

    Returns:
      What went wrong, in a line, or None. The picture of a run matters more than its
      state, which may not fit on the disk.
    """
    try:
        if state is not None:
            save(path, state, fingerprint)
        else:
            path.unlink(missing_ok=True)
    except (OSError, MemoryError) as error:
        done = "removed" if state is None else "written"
        return f"{path}: not {done} ({error})"
    return None


def load(path: Path, like: State, fingerprint: str) -> State:
    """Reads what `save` wrote.

    Args:
      path: the file.
      like: a state of the same run, such as its first, or its shapes and dtypes.
      fingerprint: the one given to `save`.

    Raises:
      CheckpointError: the file is missing, damaged, or of a run with other pictures or
        options.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = [file.get_tensor(key) for key in sorted(file.keys())]
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: nothing to resume from; run without --resume first"
        ) from None
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path}: not a saved run ({error})") from None
    leaves, structure = jax.tree.flatten(like)
    same = metadata.get("fingerprint") == fingerprint and [
        (leaf.shape, leaf.dtype) for leaf in leaves
    ] == [(array.shape, array.dtype) for array in arrays]
    if not same:
        raise CheckpointError(
            f"{path}: saved by a run with other pictures or options; repeat that "
            "command with --resume, or leave --resume out to start anew"
        )
    return jax.tree.unflatten(structure, jax.device_put(arrays))
