"""What the parity tests share: weights files of full size, converted and loaded.

The ordinary run leaves this folder out; `python -m pytest -m parity tests/parity` runs
it, and fails where PyTorch or Keras is missing.
"""

import dataclasses
import os
import tempfile
from collections.abc import Mapping

import numpy as np
import pytest

# Before Keras is imported: its settings file stays out of the user's home.
_KERAS_HOME = tempfile.TemporaryDirectory(prefix="nst_jax_keras_")
os.environ["KERAS_HOME"] = _KERAS_HOME.name
os.environ["KERAS_BACKEND"] = "jax"

import torch  # noqa: E402
from support.published import PUBLISHERS, Published  # noqa: E402
from support.references import TorchVGG  # noqa: E402

import weights_convert.convert  # noqa: E402
import weights_convert.store  # noqa: E402
from weights_convert.architectures import find  # noqa: E402

# Of two processes side by side each has a core.
torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


def pytest_unconfigure() -> None:
    _KERAS_HOME.cleanup()


@dataclasses.dataclass(frozen=True)
class Converted:
    """A published file, and what the store gives back after converting it."""

    published: Published
    weights: Mapping[str, np.ndarray]

    def reference(self, pooling: str) -> TorchVGG:
        """PyTorch's network around the file's own arrays."""
        return dataclasses.replace(self.published.reference, pooling=pooling)


@pytest.fixture(
    scope="session",
    params=[(network, maker) for network in ("vgg16", "vgg19") for maker in PUBLISHERS],
    ids="-".join,
)
def converted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Converted:
    """VGG-16 and VGG-19 as torchvision and as Keras write them."""
    network, maker = request.param
    published = PUBLISHERS[maker](network, tmp_path_factory.mktemp("published"))
    stored = weights_convert.convert.convert(
        published.path, find(published.network), report=lambda line: None
    )
    published.path.unlink()
    weights, _ = weights_convert.store.load(find(published.network))
    stored.unlink()
    return Converted(published, weights)


@pytest.fixture(scope="session")
def image() -> np.ndarray:
    """`[61, 83, 3]` float32 in [0, 1], every value its own."""
    return np.random.default_rng(3).random((61, 83, 3), np.float32)


@pytest.fixture(params=["max", "avg"])
def pooling(request: pytest.FixtureRequest) -> str:
    """Both poolings."""
    return request.param
