"""Networks built of weights, and prepared for a machine."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from nst_jax.devices import suited
from nst_jax.networks.convolution import FrozenConvolution
from nst_jax.networks.network import Network
from nst_jax.networks.pooling import MAX, Mode
from nst_jax.networks.precision import FLOAT32, Precision
from weights_convert.architectures import Architecture
from weights_convert.errors import NetworkError


def build(
    architecture: Architecture,
    weights: Mapping[str, Any],
    *,
    pooling: Mode = MAX,
    precision: Precision = FLOAT32,
    digest: str | None = None,
) -> Network:
    """A frozen network around `weights`.

    Args:
      architecture: one of `architectures.NETWORKS`, or any other.
      weights: arrays by stored key, shapes as in `architecture.shapes`.
      pooling: what every pooling layer does.
      precision: in what the network is stored and computed.
      digest: SHA-256 in hex that tells the weights from others; None: of the biases,
        which are few, and tell copies of a network apart.

    Raises:
      NetworkError: missing or misshapen weights, all of them at once.
    """
    faults = [
        f"{key}: {np.shape(weights[key]) if key in weights else 'missing'}, "
        f"expected {shape}"
        for key, shape in architecture.shapes.items()
        if key not in weights or np.shape(weights[key]) != shape
    ]
    if faults:
        raise NetworkError(
            f"weights of {architecture.name} don't fit: {'; '.join(faults)}"
        )
    here = precision.here()
    dtype = here.dtype
    convolutions = {
        layer.name: FrozenConvolution(
            jnp.asarray(weights[f"{layer.name}/kernel"], dtype),
            jnp.asarray(weights[f"{layer.name}/bias"], dtype),
            stride=layer.stride,
            padding=layer.padding,
            groups=layer.groups,
            gradient_dtype=here.gradient_dtype,
        )
        for layer in architecture.convolutions
    }
    digest = digest or _digest_of_biases(architecture, weights)
    return Network(
        architecture,
        convolutions,
        pooling=pooling,
        digest=jnp.asarray(list(bytes.fromhex(digest)), jnp.uint8),
    )


def digest_of(network: Network) -> str:
    """The digest that a network was built with, in hex: which weights it has."""
    return np.asarray(network.digest).tobytes().hex()


def prepare(network: Network, taps: Collection[str]) -> Network:
    """The network as it computes `taps` fastest on the device; same results.

    On CPUs the kernels up to the deepest tap are transformed for `winograd.convolve`,
    in a copy that shares all else: about half a second and 400 MB for VGG-19, a
    quarter less where gradients are of bfloat16, which pay off within a few gradients.

    Args:
      network: of `build`.
      taps: that will be asked for.
    """
    if not suited.winograd():
        return network
    convolutions = dict(network.convolutions)
    for layer in network.architecture.leading_to(taps):
        if layer.name in convolutions:
            convolutions[layer.name] = convolutions[layer.name].prepared()
    return Network(
        network.architecture,
        convolutions,
        pooling=network.pooling,
        digest=network.digest,
    )


def _digest_of_biases(architecture: Architecture, weights: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for layer in architecture.convolutions:
        bias = np.asarray(weights[f"{layer.name}/bias"], np.float32)
        digest.update(f"{layer.name} {bias.shape}\n".encode() + bias.tobytes())
    return digest.hexdigest()
