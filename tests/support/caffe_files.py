"""`.caffemodel` files written by Google's protobuf library, for a part of caffe.proto.

Names and numbers of the fields: src/caffe/proto/caffe.proto of BVLC/caffe 1.0.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _FIELD.TYPE_STRING,
    "int64": _FIELD.TYPE_INT64,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
    "bool": _FIELD.TYPE_BOOL,
}

# message: {field: (number, type, repeated)}
_SCHEMA: Mapping[str, Mapping[str, tuple[int, str, bool]]] = {
    "BlobShape": {"dim": (1, "int64", True)},
    "BlobProto": {
        "num": (1, "int64", False),
        "channels": (2, "int64", False),
        "height": (3, "int64", False),
        "width": (4, "int64", False),
        "data": (5, "float", True),
        "diff": (6, "float", True),
        "shape": (7, "BlobShape", False),
        "double_data": (8, "double", True),
    },
    "V0LayerParameter": {
        "name": (1, "string", False),
        "type": (2, "string", False),
        "blobs": (50, "BlobProto", True),
    },
    "V1LayerParameter": {
        "layer": (1, "V0LayerParameter", False),
        "bottom": (2, "string", True),
        "top": (3, "string", True),
        "name": (4, "string", False),
        "type": (5, "int64", False),
        "blobs": (6, "BlobProto", True),
        "blobs_lr": (7, "float", True),
    },
    "LayerParameter": {
        "name": (1, "string", False),
        "type": (2, "string", False),
        "bottom": (3, "string", True),
        "top": (4, "string", True),
        "blobs": (7, "BlobProto", True),
    },
    "NetParameter": {
        "name": (1, "string", False),
        "layers": (2, "V1LayerParameter", True),
        "input": (3, "string", True),
        "input_dim": (4, "int64", True),
        "force_backward": (5, "bool", False),
        "layer": (100, "LayerParameter", True),
    },
}


@functools.cache
def net_class(packed: bool = True) -> Any:
    """The message class of `NetParameter`, its numbers packed or not."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"caffe_{packed}.proto", package="caffe", syntax="proto2"
    )
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if kind in _TYPES:
                added.type = _TYPES[kind]
                numbers = repeated and kind != "string"
                if numbers and field not in ("input_dim", "blobs_lr"):
                    added.options.packed = packed
            else:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".caffe.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName("caffe.NetParameter")
    return message_factory.GetMessageClass(found)


def v1(layers: Mapping[str, Sequence[np.ndarray]], *, packed: bool = True) -> Any:
    """A net as VGG's, CaffeNet's and GoogLeNet's are stored: V1 layers, 4-D blobs."""
    net = net_class(packed)(name="VGG_ILSVRC", input=["data"], input_dim=[10, 3, 8, 8])
    for name, arrays in layers.items():
        layer = net.layers.add(name=name, type=4, bottom=["data"], top=[name])
        layer.blobs_lr.extend([1.0, 2.0])
        for array in arrays:
            four = array.reshape((1,) * (4 - array.ndim) + array.shape)
            blob = layer.blobs.add(data=four.ravel().tolist())
            blob.num, blob.channels, blob.height, blob.width = four.shape
        net.layers.add(name=f"relu_{name}", type=18, bottom=[name], top=[name])
    return net


def current(
    layers: Mapping[str, Sequence[np.ndarray]],
    *,
    packed: bool = True,
    doubles: bool = False,
) -> Any:
    """A net as Caffe has written it since 2014."""
    net = net_class(packed)(name="net")
    for name, arrays in layers.items():
        layer = net.layer.add(name=name, type="Convolution", bottom=["data"])
        for array in arrays:
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            (blob.double_data if doubles else blob.data).extend(array.ravel().tolist())
        net.layer.add(name=f"relu_{name}", type="ReLU", bottom=[name], top=[name])
    return net
