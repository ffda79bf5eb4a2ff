"""The pretrained networks as plain data: layers, shapes, input preprocessing.

No JAX here: `weights_convert` reads these tables to name and check what it converts,
`networks.network` walks them. A file a family; its docstring says whose names its
layers have.
"""

from collections.abc import Mapping
from types import MappingProxyType

from nst_jax.networks.tables import alexnet, googlenet, squeezenet
from nst_jax.networks.tables import vgg as _vgg
from nst_jax.networks.tables.table import (
    CAFFE,
    TORCHVISION,
    Concatenation,
    Convolution,
    Layer,
    LocalResponseNorm,
    NetworkTable,
    Pooling,
    Preprocessing,
    Relu,
)
from nst_jax.networks.tables.vgg import vgg_layers

__all__ = [
    "CAFFE",
    "NETWORKS",
    "TORCHVISION",
    "Concatenation",
    "Convolution",
    "Layer",
    "LocalResponseNorm",
    "NetworkTable",
    "Pooling",
    "Preprocessing",
    "Relu",
    "vgg_layers",
]

NETWORKS: Mapping[str, NetworkTable] = MappingProxyType(
    {
        table.name: table
        for table in (
            *_vgg.TABLES,
            *alexnet.TABLES,
            *googlenet.TABLES,
            *squeezenet.TABLES,
        )
    }
)
