"""Gatys's rescaling: every filter's mean activation is 1, and nothing else changes.

Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", section
2: the weights are rescaled so that the mean activation of each filter over images and
positions is one. A VGG allows it without altering what it computes: it has rectifiers
and pooling only, no normalisation or pooling over feature maps, so that a filter
divided by m > 0 gives its map divided by m, and the next layer's weights for that map,
multiplied by m, make up for it.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from weights_convert import store
from weights_convert.architectures import NETWORKS, Architecture
from weights_convert.convert import megabytes
from weights_convert.errors import WeightsError
from weights_convert.version import version


def rescale(
    arrays: Mapping[str, np.ndarray],
    architecture: Architecture,
    means: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Divides each filter by its mean activation, and undoes it in the next layer.

    Where `a` is an activation of the network before, `a / means[layer]` is that of the
    network after, at every position and before or after the ReLU.

    Args:
      arrays: the weights under the store's keys.
      architecture: a network whose convolutions follow each other, one's outputs the
        next one's inputs.
      means: `{layer: [outputs]}`, the mean after the ReLU over images and positions;
        0, of a filter that never answers, leaves it as it is.

    Returns:
      The rescaled weights, float32, under the same keys.

    Raises:
      WeightsError: a mean is negative or not finite, or weights leave float32.
    """
    rescaled: dict[str, np.ndarray] = {}
    below = np.ones(architecture.convolutions[0].inputs)
    for layer in architecture.convolutions:
        mean = np.asarray(means[layer.name], np.float64)
        if (
            mean.shape != (layer.outputs,)
            or not (np.isfinite(mean) & (mean >= 0)).all()
        ):
            raise WeightsError(
                f"mean activations of {layer.name} must be {layer.outputs} numbers from"
                " 0 on"
            )
        scale = np.where(mean > 0, mean, 1)
        kernel = arrays[f"{layer.name}/kernel"] * below[:, None] / scale
        bias = arrays[f"{layer.name}/bias"] / scale
        for part, array in (("kernel", kernel), ("bias", bias)):
            with np.errstate(over="ignore"):
                small = array.astype(np.float32)
            if not np.isfinite(small).all():
                raise WeightsError(
                    f"{layer.name}/{part}: the rescaled weights are too large for"
                    " float32; give more, and other, images"
                )
            rescaled[f"{layer.name}/{part}"] = small
        below = scale
    return rescaled


def normalized(architecture: Architecture) -> Architecture:
    """The network that a rescaled one is stored as: `vgg19-normalized`.

    Raises:
      WeightsError: the network has no rescaled form.
    """
    target = f"{architecture.name}-normalized"
    if target not in NETWORKS:
        known = ", ".join(
            other.removesuffix("-normalized")
            for other in NETWORKS
            if other.endswith("-normalized")
        )
        raise WeightsError(
            f"{architecture.name} has no rescaled form; those that have: {known}"
        )
    return dataclasses.replace(architecture, name=target)


def normalize(
    architecture: Architecture,
    means: Mapping[str, np.ndarray],
    *,
    images: str,
    report: Callable[[str], None],
) -> Path:
    """Rescales a stored network and stores it as `NAME-normalized`.

    Args:
      architecture: the network, which must be stored.
      means: as in `rescale`.
      images: says for the metadata what they were taken over: "12 images".
      report: takes one line about what was done.

    Returns:
      The path of the stored file.

    Raises:
      WeightsError: as `normalized`, `store.load` and `rescale`.
    """
    target = normalized(architecture)
    arrays, metadata = store.load(architecture)
    rescaled = rescale(arrays, architecture, means)
    dead = sum(int((np.asarray(mean) == 0).sum()) for mean in means.values())
    described = {
        **metadata,
        "network": target.name,
        "note": "; ".join(
            item
            for item in (
                metadata.get("note", ""),
                f"rescaled to mean activations of 1 over {images}",
                f"{dead} filters that never answer were left as they are" * (dead > 0),
            )
            if item
        ),
        "converter": f"nst-jax {version()}",
    }
    stored = store.save(target, rescaled, described)
    report(f"stored {target.name} in {stored} ({megabytes(stored.stat().st_size)})")
    return stored
