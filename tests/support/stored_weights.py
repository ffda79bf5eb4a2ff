"""Weights in a store: small ones that work, and headers that hold none."""

import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from support.tiny import random_weights
from weights_convert import architectures, store, verified

SMALL = "squeezenet1_1"
"""A network whose weights are 3 MB, and whose first taps cost next to nothing."""


def put(name: str = "vgg19", digest: str = "0" * 64) -> None:
    """Stores the header of a network's weights, said to have been found right.

    Their digest is known; whoever loads them fails.
    """
    path = store.weights_path(architectures.find(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(safetensors.numpy.save({}, {"tensors_sha256": digest}))
    os.utime(path, (0, 0))  # What has just changed is not recorded.
    verified.record(path, verified.stamp(path), digest)


def put_random(seed: int = 0, name: str = SMALL) -> Path:
    """Stores random weights of a network in its full shape."""
    architecture = architectures.find(name)
    weights = random_weights(architecture, np.random.default_rng(seed))
    return store.save(architecture, weights, {"source": "a test", "licence": "none"})


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with random weights of `SMALL`, found right; not to be written to."""
    place = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NST_JAX_HOME", str(place))
        os.utime(put_random(), (0, 0))  # What has just changed is not recorded.
        store.load(architectures.find(SMALL))
    return place


def kept(folder: Path) -> list[str]:
    """The files in a folder and below it, but for records.

    Whether a file that was just written gets a record is the clock's business.
    """
    found = (path for path in folder.rglob("*") if path.is_file())
    names = (path for path in found if path.suffix != ".verified")
    return sorted(str(path.relative_to(folder)) for path in names)
