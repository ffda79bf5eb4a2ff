"""The networks by name, and `extract`, through which everything else sees them."""

from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from nst_jax.networks.extents import confine
from nst_jax.networks.network import Network
from weights_convert.architectures import NETWORKS, Architecture

_SHOWN = 40  # taps, at most, in one line

_DTYPES = {"float32": jnp.float32, "tf32": jnp.float32, "bfloat16": jnp.bfloat16}


class NetworkError(ValueError):
    """A network or tap that is not known, or weights that don't fit."""


def table(name: str) -> Architecture:
    """The table of the network called `name`; raises `NetworkError` if unknown."""
    if name not in NETWORKS:
        raise NetworkError(
            f"network {name!r} is not known; choose one of {', '.join(NETWORKS)}"
        )
    return NETWORKS[name]


def tap_names(name: str) -> tuple[str, ...]:
    """Every tap of the network called `name`, from the image up."""
    return table(name).taps


def check_taps(name: str, taps: Collection[str]) -> None:
    """Raises `NetworkError` if the network called `name` lacks one of `taps`."""
    known = tap_names(name)
    unknown = [tap for tap in taps if tap not in known]
    if not unknown:
        return
    it_has = ", ".join(known)
    if len(known) > _SHOWN:
        trunk = table(name).trunk
        it_has = (
            f"{', '.join(trunk)}, and {len(known) - len(trunk)} in the branches between"
            f" these; `nst-weights taps {name}` lists all"
        )
    raise NetworkError(f"{name} has no tap {', '.join(unknown)}; it has {it_has}")


def build(
    network: str | Architecture,
    weights: Mapping[str, Any],
    *,
    pooling: str = "max",
    precision: str = "float32",
) -> Network:
    """A frozen network around `weights`.

    Args:
      network: a name in `architectures.NETWORKS`, or a table.
      weights: arrays by stored key, shapes as in the table.
      pooling: "max", "avg", "max_ceil" or "avg_ceil", see `network.Network`.
      precision: "float32", "tf32" or "bfloat16"; the last stores and computes the
        network in bfloat16.

    Raises:
      NetworkError: an unknown name; missing or misshapen weights, all of them at once.
    """
    found = table(network) if isinstance(network, str) else network
    faults = [
        f"{key}: {np.shape(weights[key]) if key in weights else 'missing'}, "
        f"expected {shape}"
        for key, shape in found.shapes.items()
        if key not in weights or np.shape(weights[key]) != shape
    ]
    if faults:
        raise NetworkError(f"weights of {found.name} don't fit: {'; '.join(faults)}")
    return Network(found, weights, pooling=pooling, dtype=_DTYPES[precision])


def prepare(network: Any, taps: Collection[str]) -> Any:
    """The network as it computes `taps` fastest on this machine; same results.

    On CPUs the kernels up to the deepest tap are transformed for `winograd.convolve`,
    in a copy that shares all else: about half a second and 400 MB for VGG-19, which
    pay off within a few gradients.

    Args:
      network: a module of `build`.
      taps: that will be asked for.
    """
    if jax.default_backend() != "cpu":
        return network
    prepared = nnx.clone(network)
    prepared.prepare(taps)
    return prepared


def random_weights(
    network: Architecture, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """He-normal kernels and small biases in the network's stored layout, float32.

    For tests and timings: a randomly initialised network has the cost and the
    arithmetic of the pretrained one (He et al. 2015, arXiv:1502.01852).
    """
    weights = {}
    for key, shape in network.shapes.items():
        fan_in = np.prod(shape[:-1]) if key.endswith("kernel") else 10_000
        scale = np.sqrt(2 / fan_in)
        weights[key] = rng.normal(0, scale, shape).astype(np.float32)
    return weights


def extract(
    network: Any,
    images: jax.Array,
    taps: Collection[str],
    extents: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """Activations of `images` at `taps`; the network is run no deeper than needed.

    Args:
      network: a module of `build`, passed to jitted functions as an argument.
      images: `[b, h, w, 3]`, sRGB in [0, 1].
      taps: names such as "conv4_2" (before the ReLU) and "relu4_2" (after it).
      extents: `[b, 2]` int32, true height and width of images of several shapes padded
        below and right to one; None where all fill theirs.

    Returns:
      `{tap: [b, h', w', c]}` in the network's dtype. Of a padded image, just what it
      would give alone, and zero around that.
    """
    if not taps:
        return {}
    preprocessing = network.table.preprocessing
    mean = jnp.asarray(preprocessing.mean, images.dtype)
    std = jnp.asarray(preprocessing.std, images.dtype)
    inputs = (images - mean) / std
    if extents is not None:
        inputs = confine(inputs, extents)
    return network(inputs, taps, extents)
