"""Tiny style networks of each kind, with seeded weights, alone and as files."""

import json
from pathlib import Path

import numpy as np

from nst_jax.feedforward.stylizer import Stylizer
from weights_convert.architectures.transformer import Transformer
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer as Stored

PLAIN = Transformer(contract=(4, 4, 4), blocks=1, expand=(4, 4))
"""As pytorch/examples'."""
ZERO = Transformer(
    contract=(4, 4, 4),
    blocks=1,
    expand=(4, 4),
    padding="zero",
    upsampling="transposed",
    last_norm=True,
    output="tanh",
    bias=False,
)
"""As lengstrom's."""
SEVERAL = Transformer(
    contract=(4, 4, 4),
    blocks=1,
    expand=(4, 4),
    norm="conditional",
    styles=3,
    last_norm=True,
    output="sigmoid",
    white=1.0,
    bias=False,
)
"""As styles26."""


def stored(architecture: Transformer, seed: int = 0) -> Stored:
    rng = np.random.default_rng(seed)
    arrays = {}
    for key, shape in architecture.shapes.items():
        scale = np.sqrt(1 / np.prod(shape[:-1])) if key.endswith("kernel") else 0.2
        near = 1.0 if key.endswith("scale") else 0.0
        arrays[key] = (near + scale * rng.standard_normal(shape)).astype(np.float32)
    if architecture.output == "linear":
        arrays["last/kernel"] *= 40
        arrays["last/bias"] += 120
    return Stored(architecture, arrays, "a test")


def stylizer(architecture: Transformer) -> Stylizer:
    return Stylizer.of(stored(architecture), {})


def put(path: Path, architecture: Transformer = SEVERAL, seed: int = 0) -> Path:
    """Writes a network's file, its styles named if it has several."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["monet", "munch", "klee"][: architecture.styles]
    metadata = {"styles": json.dumps(names)} if architecture.styles > 1 else {}
    files.save(path, stored(architecture, seed), metadata)
    return path
