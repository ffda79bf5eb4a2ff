"""Style networks of a few channels, ready to paint, and as files."""

import json
from pathlib import Path
from typing import Any

from nst_jax.feedforward.stylizer import Stylizer
from support.style_networks import NETWORKS, arrays_of
from weights_convert.stylizers import files
from weights_convert.stylizers.stylizer import Stylizer as Stored

PLAIN, ZERO = NETWORKS["pytorch/examples"], NETWORKS["lengstrom"]
SEVERAL, ADAIN = NETWORKS["conditional"], NETWORKS["adain"]


def stored(architecture: Any, seed: int = 0) -> Stored:
    arrays = arrays_of(architecture, seed)
    if architecture is PLAIN:
        arrays["last/kernel"] *= 20  # Of 255: else all is grey.
    return Stored(architecture, arrays, "a test")


def stylizer(architecture: Any) -> Stylizer:
    return Stylizer.of(stored(architecture), {})


def put(path: Path, seed: int = 0) -> Path:
    """Writes the file of a network of three styles, which have names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"styles": json.dumps(["monet", "munch", "klee"])}
    files.save(path, stored(SEVERAL, seed), metadata)
    return path
