"""The pretrained networks as plain data: layers, shapes, input preprocessing.

No JAX here: the converters read these tables to name and check what they convert,
`nst_jax.networks.network` walks them. A file a family; its docstring says whose names
its layers have.
"""

from collections.abc import Mapping
from types import MappingProxyType

from weights_convert.architectures import alexnet, googlenet, squeezenet
from weights_convert.architectures import vgg as _vgg
from weights_convert.architectures.table import (
    CAFFE,
    TORCHVISION,
    Architecture,
    Concatenation,
    Convolution,
    Layer,
    LocalResponseNorm,
    Pooling,
    Preprocessing,
    Relu,
    meant,
)
from weights_convert.architectures.vgg import vgg_layers
from weights_convert.errors import NetworkError
from weights_convert.stylizers.sources import PUBLISHED

__all__ = [
    "CAFFE",
    "NETWORKS",
    "TORCHVISION",
    "Architecture",
    "Concatenation",
    "Convolution",
    "Layer",
    "LocalResponseNorm",
    "Pooling",
    "Preprocessing",
    "Relu",
    "find",
    "vgg_layers",
]

NETWORKS: Mapping[str, Architecture] = MappingProxyType(
    {
        architecture.name: architecture
        for architecture in (
            *_vgg.TABLES,
            *alexnet.TABLES,
            *googlenet.TABLES,
            *squeezenet.TABLES,
        )
    }
)


def find(name: str) -> Architecture:
    """The network of that name.

    Raises:
      NetworkError: there is none; says which there are.
    """
    if name in PUBLISHED:
        raise NetworkError(
            f"{name} is a style network, which paints by itself: it is given as --model"
            f" where that is asked for; networks that see are {', '.join(NETWORKS)}"
        )
    if name not in NETWORKS:
        raise NetworkError(
            f"network {name!r} is not known; {meant(name, NETWORKS)}choose one of "
            f"{', '.join(NETWORKS)}"
        )
    return NETWORKS[name]
