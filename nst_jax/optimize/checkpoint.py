"""A run's state as bytes, so that an interrupted run can go on where it stopped."""

from pathlib import Path

import jax
import numpy as np
import safetensors
import safetensors.numpy

from nst_jax.errors import CheckpointError, counted
from nst_jax.optimize.chunk import State


class SpentError(CheckpointError):
    """The state of a run that made all iterations asked for, or more.

    Attributes:
      made: how many.
    """

    def __init__(self, path: Path, made: int, steps: int):
        super().__init__(
            f"{path}: made {counted(made, 'iteration')} already, of {steps} asked for"
        )
        self.made = made


def encode(state: State, digest: str) -> bytes:
    """A state as the bytes of a safetensors file.

    Args:
      state: of a run.
      digest: tells this run from others; `load` compares it.
    """
    leaves = jax.device_get(jax.tree.leaves(state))
    arrays = {f"{i:03d}": np.asarray(leaf, order="C") for i, leaf in enumerate(leaves)}
    return safetensors.numpy.save(arrays, metadata={"digest": digest})


def load(path: Path, like: State, digest: str) -> State:
    """Reads a file of what `encode` gave.

    Args:
      path: the file.
      like: a state of the same run, such as its first, or its shapes and dtypes.
      digest: the one given to `encode`.

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
    if "fingerprint" in metadata:
        raise CheckpointError(
            f"{path}: saved by an earlier version of nst_jax, from whose states this "
            "one can't go on; start anew, without --resume"
        )
    leaves, structure = jax.tree.flatten(like)
    same = metadata.get("digest") == digest and [
        (leaf.shape, leaf.dtype) for leaf in leaves
    ] == [(array.shape, array.dtype) for array in arrays]
    if not same:
        raise CheckpointError(
            f"{path}: saved by a run with other pictures or options; repeat that "
            "command with --resume, or leave --resume out to start anew"
        )
    return jax.tree.unflatten(structure, jax.device_put(arrays))
