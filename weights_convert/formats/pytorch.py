"""PyTorch's `.pth` files, zip (since 1.6) and legacy, without PyTorch.

Layouts: torch/serialization.py of PyTorch 1.0 to 2.13 (`_save`, `_legacy_save`).
A zip holds `NAME/data.pkl` and a file `NAME/data/KEY` for each storage. A legacy file
is a magic number, a protocol number, a dict about the machine, the object, the list
of storage keys (five pickles in a row), then for each key an int64 length in elements
and the bytes.
"""

import io
import math
import mmap
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.limits import check_archive, check_expansion
from weights_convert.formats.pickles import brief
from weights_convert.formats.torch_pickle import (
    MAX_PICKLE,
    Storage,
    Tensor,
    read_state,
)

_LONGEST = 80  # characters of a place in what was saved
_MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_PICKLED = b"\x8a\x0a" + _MAGIC.to_bytes(10, "little")
_PROTOCOL = 1001
# Where training scripts keep the state dict beside its moving average.
_NESTED = ("state_dict", "model_state_dict", "model", "net", "params")

# Endings of weights files that people put into archives.
_WEIGHTS = (
    *(".pth", ".pt", ".bin", ".h5", ".hdf5", ".keras"),
    *(".caffemodel", ".mat", ".safetensors", ".npz", ".onnx"),
)

_Fetch = Callable[[Storage], np.ndarray]


def matches(path: Path) -> bool:
    """Whether the file starts like a zip archive or a legacy PyTorch file."""
    with path.open("rb") as file:
        head = file.read(64)
    return head.startswith(b"PK\x03\x04") or _MAGIC_PICKLED in head


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a state dict.

    Args:
      path: a file of `torch.save(model.state_dict(), path)`; where it lies deeper, as
        in `{"weights": {"model": {...}}}`, the dict with the most tensors is taken.

    Returns:
      `{key: array}` under the file's own keys, read-only, in the file's shapes and
      types (bfloat16 as float32); what is no tensor is left out.

    Raises:
      WeightsError: the file is damaged, or its pickle holds more than tensors, dicts
        and numbers; nothing of it is run.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                return _read_zip(path)
        return _read_legacy(path)
    except WeightsError as error:
        if str(error).startswith(str(path)):
            raise
        raise WeightsError(f"{path}: {error}") from error
    except zipfile.BadZipFile as error:
        cut = "its end is missing, as of a download that was cut"
        reason = cut if "not a zip file" in str(error) else error
        raise WeightsError(
            f"{path}: truncated or damaged zip archive ({reason}); get it again"
        ) from error
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    except Exception as error:  # zipfile lets struct, zlib and many more through
        reason = f"{error!s:.80}" or type(error).__name__
        raise WeightsError(f"{path}: damaged ({reason}); get it again") from error


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        check_archive(path, archive)
        names = archive.namelist()
        pickles = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
        if len(pickles) != 1:
            raise WeightsError(_other_archive(names))
        if archive.getinfo(pickles[0]).file_size > MAX_PICKLE:
            raise WeightsError("its pickle is too large for a state dict")
        folder = pickles[0].removesuffix("data.pkl")
        order = folder + "byteorder"
        if order in names and archive.read(order) != b"little":
            raise WeightsError("written on a big-endian machine; not supported")
        state = read_state(io.BytesIO(archive.read(pickles[0])))
        return _arrays(path, state, _zip_storages(archive, folder))


def _other_archive(names: list[str]) -> str:
    """What a zip archive without PyTorch's pickle is."""
    inside = [name for name in names if name.lower().endswith(_WEIGHTS)]
    if inside:
        return f"a zip archive of {inside[0]!r:.80}: unpack it, and convert that"
    return f"a zip archive of {len(names)} files, none of them weights known here"


def _zip_storages(archive: zipfile.ZipFile, folder: str) -> _Fetch:
    cache: dict[str, bytes] = {}

    def fetch(storage: Storage) -> np.ndarray:
        name = f"{folder}data/{storage.key}"
        if name not in cache:
            try:
                cache[name] = archive.read(name)
            except KeyError:
                missing = f"truncated: storage {name!r:.80} is missing; get it again"
                raise WeightsError(missing) from None
        return _elements(storage, cache[name])

    return fetch


def _elements(storage: Storage, data: bytes | memoryview) -> np.ndarray:
    needed = (storage.view + storage.numel) * storage.dtype.itemsize
    if needed > len(data):
        raise WeightsError(
            f"truncated: storage {storage.key!r:.40} has {len(data)} of {needed} bytes"
        )
    offset = storage.view * storage.dtype.itemsize
    return np.frombuffer(data, storage.dtype, storage.numel, offset)


def _read_legacy(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        if read_state(file) != _MAGIC:
            raise WeightsError("no PyTorch file: its magic number is wrong")
        if (protocol := read_state(file)) != _PROTOCOL:
            raise WeightsError(f"unknown PyTorch protocol {brief(protocol)}")
        machine = read_state(file)
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise WeightsError("written on a big-endian machine; not supported")
        state = read_state(file)
        keys = read_state(file)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise WeightsError("damaged: its list of storages is no list of names")
        start = file.tell()
        # Mapped, not read: torchvision's files are mostly classifier, never looked at.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    sizes: dict[str, int] = {}
    for storage in _storages(state):
        sizes.setdefault(storage.key, storage.dtype.itemsize)
    places = _legacy_places(data, start, keys, sizes)

    def fetch(storage: Storage) -> np.ndarray:
        if storage.key not in places:
            raise WeightsError(f"truncated: storage {storage.key!r:.40} is missing")
        offset, size = places[storage.key]
        return _elements(storage, data[offset : offset + size])

    return _arrays(path, state, fetch)


def _legacy_places(
    data: memoryview, start: int, keys: list[str], sizes: dict[str, int]
) -> dict[str, tuple[int, int]]:
    """Byte offset and length of each storage."""
    places = {}
    for key in keys:
        if key not in sizes:
            raise WeightsError(f"damaged: storage {key!r:.40} belongs to no tensor")
        numel = int.from_bytes(data[start : start + 8], "little", signed=True)
        size = numel * sizes[key]
        if start + 8 > len(data) or numel < 0 or start + 8 + size > len(data):
            raise WeightsError(
                f"truncated: the file ends at byte {len(data)}, within storage"
                f" {key!r:.40}; download it again"
            )
        places[key] = (start + 8, size)
        start += 8 + size
    return places


def _storages(state: Any) -> Iterator[Storage]:
    """Every storage below `state`, which may contain itself."""
    pending, seen = [state], set()
    while pending:
        item = pending.pop()
        if isinstance(item, Storage):
            yield item
        elif isinstance(item, Tensor):
            yield item.storage
        elif isinstance(item, dict | list | tuple | set) and id(item) not in seen:
            seen.add(id(item))
            pending.extend(item.values() if isinstance(item, dict) else item)


def _arrays(path: Path, state: Any, fetch: _Fetch) -> dict[str, np.ndarray]:
    tensors = _state_dict(state)
    elements = (math.prod(tensor.shape) for tensor in tensors.values())
    check_expansion(path, sum(elements))  # many tensors may share one storage
    return {key: _array(key, tensor, fetch) for key, tensor in tensors.items()}


def _state_dict(state: Any) -> dict[str, Tensor]:
    """The dict of names and tensors in what was saved, which may contain itself.

    Raises:
      WeightsError: there is none, or there are several alike.
    """
    if not isinstance(state, dict | list | tuple) or isinstance(state, Tensor):
        raise WeightsError(f"holds a {type(state).__name__}, not a state dict")
    for name in _NESTED:
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
            break
    found: list[tuple[str, dict[str, Tensor]]] = []
    pending: list[tuple[str, Any]] = [("", state)]
    seen: set[int] = set()
    while pending:
        place, item = pending.pop()
        if id(item) in seen or isinstance(item, Tensor | Storage):
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            if tensors := {
                key: tensor
                for key, tensor in item.items()
                if isinstance(key, str) and isinstance(tensor, Tensor)
            }:
                found.append((place, tensors))
            pending.extend((_below(place, key), x) for key, x in item.items())
        elif isinstance(item, list | tuple):
            pending.extend((_below(place, index), x) for index, x in enumerate(item))
    if not found:
        raise WeightsError("holds no tensors")
    most = max(len(tensors) for _, tensors in found)
    (place, tensors), *others = [item for item in found if len(item[1]) == most]
    if others:
        shown = " and ".join(repr(place) for place in sorted([place, others[0][0]]))
        raise WeightsError(f"holds several state dicts alike, {shown}; save one alone")
    return tensors


def _below(place: str, key: object) -> str:
    """Where something lies, for people; of bounded length, as pickles are hostile."""
    return f"{place}/{key if isinstance(key, str) else brief(key):.40}"[:_LONGEST]


def _array(key: str, tensor: Tensor, fetch: _Fetch) -> np.ndarray:
    """The tensor as a view of its storage, after checking that it stays inside."""
    storage = tensor.storage
    count = math.prod(tensor.shape)
    last = tensor.offset + sum(
        (size - 1) * stride
        for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if count > storage.numel or (count and last >= storage.numel):
        raise WeightsError(
            f"damaged: tensor {key!r:.60} of shape {tensor.shape} reaches beyond its"
            f" storage of {storage.numel} elements"
        )
    elements = fetch(storage)
    if not count:
        return np.zeros(tensor.shape, storage.dtype)
    itemsize = storage.dtype.itemsize
    view = np.lib.stride_tricks.as_strided(
        elements[tensor.offset :],
        tensor.shape,
        tuple(stride * itemsize for stride in tensor.strides),
        writeable=False,
    )
    if storage.kind == "BFloat16Storage":  # the upper half of a float32
        return (view.astype(np.uint32) << 16).view(np.float32)
    return view
