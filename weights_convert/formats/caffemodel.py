"""Caffe's `.caffemodel`, without Caffe: a `NetParameter` in protobuf's wire format.

Field numbers: src/caffe/proto/caffe.proto of BVLC/caffe, release 1.0. Both forms of a
layer are read, `LayerParameter` (field 100, since 2014) and `V1LayerParameter` (field
2, as in the published VGG, CaffeNet and GoogLeNet); the one before, V0, is refused.
"""

import math
import mmap
from pathlib import Path

import numpy as np

from weights_convert.errors import WeightsError
from weights_convert.formats.protobuf_wire import BYTES, Budget, Field, fields, varint

# NetParameter
_NAME, _V1_LAYERS, _LAYERS = 1, 2, 100
# Of a layer, by the field it stands in: its name, its blobs, and V0's layer.
_LAYER_FIELDS = {_LAYERS: (1, 7, None), _V1_LAYERS: (4, 6, 1)}
# BlobProto: num, channels, height, width come before `shape` in age and in rank.
_LEGACY_SHAPE, _DATA, _SHAPE, _DOUBLES = (1, 2, 3, 4), 5, 7, 8

_MAX_AXES = 32  # kMaxBlobAxes of blob.hpp
_MAX_FIELDS = 200_000  # GoogLeNet has some 5,000
_KNOWN = frozenset({_NAME, 2, 3, 4, 5, 6, 7, 8, _LAYERS})


def matches(path: Path) -> bool:
    """Whether the file starts like a `NetParameter`: it has no signature.

    The first field is the name or an input's, or a layer; what stands behind a name is
    a field of the message too.
    """
    with path.open("rb") as file:
        head = memoryview(file.read(4096))
    try:
        number, kind, position = _tag(head, 0)
        if kind != BYTES or number not in (_NAME, 3, _V1_LAYERS, _LAYERS):
            return False
        size, position = varint(head, position)
        if number in (_V1_LAYERS, _LAYERS):
            return size <= path.stat().st_size and _tag(head, position)[0] > 0
        if not bytes(head[position : position + size]).decode().isprintable():
            return False
        number, kind, _ = _tag(head, position + size)
        return number in _KNOWN and (kind == BYTES or number in (4, 5, 7))
    except (WeightsError, UnicodeDecodeError):
        return False


def _tag(data: memoryview, position: int) -> tuple[int, int, int]:
    tag, position = varint(data, position)
    return tag >> 3, tag & 7, position


def read(path: Path) -> dict[str, np.ndarray]:
    """Reads the blobs of every layer that has some.

    Args:
      path: a `.caffemodel` file.

    Returns:
      `{"conv1_1.blobs.0": array, "conv1_1.blobs.1": ...}`, read-only, float32 or
      float64; kernels `[outputs, inputs / groups, height, width]`, biases `[outputs]`
      (Caffe's old `[1, 1, 1, outputs]` too).

    Raises:
      WeightsError: the file is truncated or damaged, of Caffe's V0 format, or no
        network with weights.
    """
    with path.open("rb") as file:
        # Mapped, not read: these files are mostly classifier, never looked at.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    try:
        arrays = _net(data)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except MemoryError:
        raise WeightsError(f"{path}: asks for more memory than there is") from None
    if not arrays:
        raise WeightsError(f"{path}: a Caffe network without weights")
    return arrays


def _net(data: memoryview) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    budget = Budget(_MAX_FIELDS)
    for field in fields(data, budget):
        if field.number not in _LAYER_FIELDS:
            continue
        name, blobs = _layer(field, budget)
        if blobs and f"{name}.blobs.0" in arrays:
            raise WeightsError(f"has two layers {name!r:.80} with weights")
        for index, blob in enumerate(blobs):
            arrays[f"{name}.blobs.{index}"] = blob
    return arrays


def _layer(layer: Field, budget: Budget) -> tuple[str, list[np.ndarray]]:
    """A layer's name and blobs."""
    name_field, blobs_field, v0_field = _LAYER_FIELDS[layer.number]
    name, blobs = "", []
    for field in fields(layer.content(), budget):
        if field.number == name_field:
            name = bytes(field.content()).decode(errors="replace")
        elif field.number == v0_field:
            raise WeightsError(
                "is of Caffe's V0 format, from before 2014; upgrade it with Caffe's own"
                " upgrade_net_proto_binary"
            )
        elif field.number == blobs_field:
            blobs.append(field)
    return name, [_blob(name, field.content(), budget) for field in blobs]


def _blob(layer: str, data: memoryview, budget: Budget) -> np.ndarray:
    """A blob's values in its shape."""
    legacy: dict[int, int] = {}
    shape: list[int] = []
    parts: dict[int, list[np.ndarray]] = {_DATA: [], _DOUBLES: []}
    for field in fields(data, budget):
        if field.number in _LEGACY_SHAPE:
            legacy[field.number] = field.integer()
        elif field.number == _SHAPE:
            shape += _dimensions(field, budget)
        elif field.number == _DATA:
            parts[_DATA].append(field.numbers("<f4"))
        elif field.number == _DOUBLES:
            parts[_DOUBLES].append(field.numbers("<f8"))
    chosen = parts[_DOUBLES] or parts[_DATA] or [np.zeros(0, np.float32)]
    values = chosen[0] if len(chosen) == 1 else np.concatenate(chosen)
    if legacy:  # Caffe takes it before `shape` (Blob::FromProto)
        shape = [legacy.get(number, 0) for number in _LEGACY_SHAPE]
    if len(shape) > _MAX_AXES or math.prod(shape) != values.size or not values.size:
        raise WeightsError(
            f"damaged: a blob of layer {layer!r:.60} has shape {shape!s:.80} and"
            f" {values.size} values"
        )
    if len(shape) == 4 and shape[:3] == [1, 1, 1]:
        shape = shape[3:]
    return values.reshape(shape)


def _dimensions(field: Field, budget: Budget) -> list[int]:
    """`BlobShape.dim`, packed or not."""
    sizes: list[int] = []
    for item in fields(field.content(), budget):
        if item.number != 1:
            continue
        if item.kind != BYTES:
            sizes.append(item.integer())
            continue
        packed, position = item.content(), 0
        while position < len(packed):
            budget.spend()
            size, position = varint(packed, position)
            sizes.append(size)
    return sizes
