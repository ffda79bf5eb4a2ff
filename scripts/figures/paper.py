"""The losses of Gatys, Ecker and Bethge 2016, with their alpha and beta.

Their network has rescaled filters, of mean activation 1, without which conv4_1 has ten
thousand times the say of conv1_1. To rescale each filter takes many pictures (a filter
that hardly answers to the few at hand would be blown up), so here it is each layer, by
weights that divide its activations by their mean over the photo and the painting.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from study import Load

from nst_jax.images import files, resize
from nst_jax.networks import statistics
from nst_jax.options import Options
from nst_jax.presets.gram import CLASSIC
from weights_convert import architectures

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""conv1_1 to conv5_1 of the paper, whose networks rectify in place."""

PAPER = dataclasses.replace(
    CLASSIC.options,
    content_taps=("relu4_2",),
    style_taps=LAYERS,
    content_loss="half_sum",
    gram="paper",
    pooling="avg",
    init="mean",
    preconditioner="none",
    bounds="none",
)
"""Layers and losses of the paper, from a trace of noise.

The paper's white noise of full contrast leaves a grain in small pictures that the
losses hardly see; `init="noise"` shows it."""


def published(tap: str) -> str:
    """The paper's name of a layer: "relu1_1" -> "conv1_1"."""
    return tap.replace("relu", "conv")


def layer_means(
    options: Options, pictures: Sequence[str], load: Load
) -> dict[str, float]:
    """The mean activation of each tap of `options` over pictures, to three digits.

    Raises:
      NetworkError: a network that isn't a VGG.
    """
    taps = (*options.content_taps, *options.style_taps)
    architectures.find(options.network).check_taps(taps)
    images = [resize.square(files.read(path), options.size) for path in pictures]
    means = statistics.mean_activations(load(options), images)
    return {tap: float(f"{means[published(tap)].mean():.2e}") for tap in taps}


def weighted(
    options: Options,
    means: Mapping[str, float],
    *,
    ratio: float,
    layers: int = len(LAYERS),
) -> Options:
    """`options` with the paper's weights: alpha = `ratio`, beta = 1.

    Args:
      options: with the taps of `PAPER`.
      means: from `layer_means`.
      ratio: alpha / beta.
      layers: of style that count, from the first up, with weight 1/n each.
    """
    return dataclasses.replace(
        options,
        content_weight=ratio / means[options.content_taps[0]] ** 2,
        style_weight=1.0,
        style_tap_weights=tuple(
            1 / layers / means[tap] ** 4 if place < layers else 0.0
            for place, tap in enumerate(options.style_taps)
        ),
    )
