"""How strongly the filters of a network answer, over images."""

import functools
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

from nst_jax.networks.network import Network


def mean_activations(
    network: Network, images: Iterable[np.ndarray]
) -> dict[str, np.ndarray]:
    """Each filter's mean after the ReLU over images and positions.

    What Gatys et al. 2016, section 2, make 1; see `weights_convert.normalize`.

    Args:
      network: a VGG of `extract.build`.
      images: `[h, w, 3]` each, sRGB in [0, 1]; of one shape, since every other is
        compiled for anew and all count alike.

    Returns:
      `{"conv1_1": [64], ...}`, float64; zeros if there are no images.
    """
    layers = network.architecture.convolutions
    taps = {layer.name: f"relu{layer.name.removeprefix('conv')}" for layer in layers}
    sums = {layer.name: np.zeros(layer.outputs) for layer in layers}
    count = 0
    for image in images:
        found = _means(network, jnp.asarray(image)[None], tuple(taps.values()))
        for name, tap in taps.items():
            sums[name] += np.asarray(found[tap], np.float64)
        count += 1
    return {name: total / max(count, 1) for name, total in sums.items()}


@functools.partial(jax.jit, static_argnames="taps")
def _means(
    network: Network, images: jax.Array, taps: tuple[str, ...]
) -> dict[str, jax.Array]:
    found = network(images, taps)
    # Rows first: a sum over all positions at once loses digits in float32.
    return {
        tap: view.features.astype(jnp.float32).mean(2).mean((0, 1))
        for tap, view in found.items()
    }
