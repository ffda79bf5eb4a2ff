"""Networks built of weights, and prepared for a machine."""

import hashlib
import threading
from collections.abc import Collection, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from nst_jax.devices import heap, suited
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


def reaching(network: Network, taps: Collection[str]) -> Network:
    """The network without the weights of layers that lead to none of `taps`.

    It shares all else. What nobody else holds of the rest is freed.
    """
    leading = {layer.name for layer in network.architecture.leading_to(taps)}
    return Network(
        network.architecture,
        {name: of for name, of in network.convolutions.items() if name in leading},
        pooling=network.pooling,
        digest=network.digest,
    )


def prepare(
    network: Network, taps: Collection[str], *, shapes: bool = False
) -> Network:
    """The network as it computes `taps` fastest on the device; same results.

    On CPUs the kernels up to the deepest tap are transformed for `winograd.convolve`,
    in a copy that shares all else: about half a second and 400 MB for VGG-19, a
    quarter less where gradients are of bfloat16, which pay off within a few gradients.

    Args:
      network: of `build`.
      taps: that will be asked for.
      shapes: have shapes and types in place of the transformed kernels, of which
        programs can be compiled before there are any.
    """
    if not suited.winograd():
        return network
    convolutions = dict(network.convolutions)
    for layer in network.architecture.leading_to(taps):
        if layer.name in convolutions:
            convolutions[layer.name] = convolutions[layer.name].prepared(shapes=shapes)
    return Network(
        network.architecture,
        convolutions,
        pooling=network.pooling,
        digest=network.digest,
    )


class Prepared:
    """A network as it computes `taps` fastest, prepared when it is asked for.

    Programs are compiled before that, from shapes: what compiling takes and what the
    transformed kernels take is then not needed at once.

    Attributes:
      plain: the network that was given.
      shapes: the network with shapes in place of transformed kernels.
    """

    def __init__(self, plain: Network, taps: Collection[str]):
        """Takes what `prepare` takes."""
        self.plain, self._taps = plain, taps
        self.shapes = prepare(plain, taps, shapes=True)
        self._lock = threading.Lock()
        self._network: Network | None = None

    @property
    def is_prepared(self) -> bool:
        """Whether `fastest` has been asked for."""
        return self._network is not None

    @property
    def fastest(self) -> Network:
        """What `prepare` gives; the same each time."""
        with self._lock:
            if self._network is None:
                self._network = prepare(self.plain, self._taps)
                heap.trim()
            return self._network


def _digest_of_biases(architecture: Architecture, weights: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for layer in architecture.convolutions:
        bias = np.asarray(weights[f"{layer.name}/bias"], np.float32)
        digest.update(f"{layer.name} {bias.shape}\n".encode() + bias.tobytes())
    return digest.hexdigest()
