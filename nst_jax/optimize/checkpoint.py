"""A run's state as a file, so that an interrupted run can go on where it stopped.

The file is one of safetensors, whose metadata tells the run and has a SHA-256 of all
the rest of the file: what was damaged is never gone on from.
"""

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any

import jax
import numpy as np

from nst_jax.errors import CheckpointError, counted
from nst_jax.optimize import hosted
from nst_jax.optimize.chunk import State

_DTYPES = {"float32": "F32", "int32": "I32", "bfloat16": "BF16", "float16": "F16"}
_LONGEST = 2**20  # Bytes of a header; ours have some thousands.
_UNSUMMED = "0" * 64


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


class MissingError(CheckpointError):
    """There is no file to go on from."""


class OtherRunError(CheckpointError):
    """The state of a run with other pictures or options."""


def encode(state: State, digest: str) -> list[bytes | memoryview]:
    """A state as the bytes of a file, in parts: a header, and each array as it lies.

    Args:
      state: of a run; its arrays are fetched from the device, and not copied besides.
      digest: tells this run from others; `load` compares it.
    """
    fetched = hosted.opened(hosted.get(state))
    leaves = [np.asarray(x, order="C") for x in jax.tree.leaves(fetched)]
    parts = [leaf.reshape(-1).view(np.uint8).data for leaf in leaves]
    total = hashlib.sha256(_header(leaves, digest, _UNSUMMED, again=state.again))
    for part in parts:
        total.update(part)
    header = _header(leaves, digest, total.hexdigest(), again=state.again)
    return [header, *parts]


def load(path: Path, likes: Sequence[State], digest: str) -> tuple[int, State]:
    """Reads a file of what `encode` gave, wherever that state's parts were kept.

    Args:
      path: the file.
      likes: states that the run may be in, or their shapes and dtypes; one for each
        size of a pyramid.
      digest: the one given to `encode`.

    Returns:
      Which of `likes` it is, and the state.

    Raises:
      MissingError: there is no file.
      OtherRunError: the file is of a run with other pictures or options.
      CheckpointError: it is damaged, or of an earlier version.
    """
    try:
        with open(path, "rb", opener=_opened) as file:
            place, content = _read(path, file, likes, digest)
    except FileNotFoundError:
        raise MissingError(f"{path}: nothing to resume from") from None
    except OSError as error:
        raise _no_state(path, error.strerror or str(error)) from None
    leaves, structure = jax.tree.flatten(hosted.opened(likes[place]))
    arrays, begin = [], 0
    for leaf in leaves:
        end = begin + _bytes(leaf)
        part = np.frombuffer(content[begin:end], leaf.dtype)
        arrays.append(part.reshape(leaf.shape))
        begin = end
    state = jax.tree.unflatten(structure, arrays)
    if not _is_possible(state):
        raise _no_state(path, "numbers that no run has")
    return place, hosted.closed(state, likes[place])


def _opened(path: str, flags: int) -> int:
    """Opens what is a file; a pipe or a device would keep one waiting."""
    number = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(0, "no regular file")
    return number


def _read(
    path: Path, file: BufferedReader, likes: Sequence[State], digest: str
) -> tuple[int, memoryview]:
    """Which of `likes` a file holds, and the bytes of its arrays."""
    head, metadata = _head(path, file)
    if "fingerprint" in metadata or ("digest" in metadata and len(metadata) == 1):
        raise CheckpointError(
            f"{path}: saved by an earlier version of nst_jax, from whose states this "
            "one can't go on"
        )
    total = metadata.get("sha256", "")
    expected = [
        _header(jax.tree.leaves(hosted.opened(like)), digest, total, again=like.again)
        for like in likes
    ]
    if head in expected:
        place = expected.index(head)
        like = hosted.opened(likes[place])
        content = bytearray(sum(map(_bytes, jax.tree.leaves(like))))
        whole = file.readinto(content) == len(content) and not file.read(1)
        if whole and _sum(head, total, content) == total:
            return place, memoryview(content)
    elif _sum(head, total, file) == total:
        raise OtherRunError(f"{path}: saved by a run with other pictures or options")
    raise _no_state(path, "damaged, or cut short")


def _head(path: Path, file: BufferedReader) -> tuple[bytes, dict[str, str]]:
    """The header of a file with the eight bytes of its length, and its metadata."""
    length = file.read(8)
    count = int.from_bytes(length, "little")
    if len(length) < 8 or not 2 <= count <= _LONGEST:
        raise _no_state(path, "not of this kind, or cut short")
    header = file.read(count)
    try:
        metadata = json.loads(header)["__metadata__"]
        return length + header, {str(k): str(v) for k, v in metadata.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _no_state(path, "damaged, or cut short") from None


def _sum(head: bytes, total: str, content: bytes | bytearray | BufferedReader) -> str:
    """The SHA-256 of a file, in whose header its own place is zeros."""
    found = hashlib.sha256(head.replace(total.encode(), _UNSUMMED.encode(), 1))
    if isinstance(content, bytes | bytearray):
        found.update(content)
        return found.hexdigest()
    while block := content.read(2**20):
        found.update(block)
    return found.hexdigest()


def _header(
    leaves: Sequence[Any], digest: str, total: str, *, again: bool = False
) -> bytes:
    """The header of a safetensors file that has these leaves, in their order."""
    metadata = {"digest": digest, "sha256": total} | ({"again": "1"} if again else {})
    header: dict[str, Any] = {"__metadata__": metadata}
    begin = 0
    for number, leaf in enumerate(leaves):
        header[f"{number:03d}"] = {
            "dtype": _DTYPES[np.dtype(leaf.dtype).name],
            "shape": list(leaf.shape),
            "data_offsets": [begin, begin + _bytes(leaf)],
        }
        begin += _bytes(leaf)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(leaf: Any) -> int:
    return int(np.prod(leaf.shape, dtype=np.int64)) * np.dtype(leaf.dtype).itemsize


def _is_possible(state: State) -> bool:
    """Whether numbers are such that a run may go on from them, and end."""
    counts = [x for x in jax.tree.leaves(state) if np.dtype(x.dtype).kind in "iu"]
    scale = np.asarray(state.step_scale)
    return (
        all(np.all(np.asarray(count) >= 0) for count in counts)
        and bool(np.all((scale >= 0) & (scale <= 1)))
        and not np.any(np.isnan(state.best_loss))
    )


def _no_state(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path}: not a saved run ({why})")
