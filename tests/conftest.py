"""What every test shares: a JAX of its own, and a tiny network with two pictures."""

import ctypes
import gc
import os
import sys
import tempfile

import numpy as np
import psutil
import pytest

# Before JAX is imported: tests never touch a user's weights or compiled programs.
_HOME = tempfile.TemporaryDirectory(prefix="nst_jax_tests_")
os.environ["NST_JAX_HOME"] = _HOME.name
os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"
os.environ.setdefault("JAX_PLATFORMS", "cpu")


def pytest_unconfigure() -> None:
    _HOME.cleanup()


@pytest.fixture(scope="module", autouse=True)
def _programs_go_when_there_are_many():
    """Those of all modules together would take gigabytes."""
    yield
    jax = sys.modules.get("jax")
    if jax and psutil.Process().memory_info().rss > 1.2e9:
        jax.clear_caches()
        gc.collect()
        # The C library of Linux keeps what is freed until it is asked: memory would
        # stay above the limit, and each later module's programs go with it.
        if give_back := getattr(ctypes.CDLL(None), "malloc_trim", None):
            give_back(0)


@pytest.fixture(scope="session")
def tiny_architecture():
    """VGG-19 in full depth, so that every tap exists, a few channels wide."""
    from support.tiny import tiny_vgg

    return tiny_vgg()


@pytest.fixture(scope="session")
def tiny_weights(tiny_architecture) -> dict[str, np.ndarray]:
    """Seeded weights of `tiny_architecture`."""
    from support.tiny import random_weights

    return random_weights(tiny_architecture, np.random.default_rng(0))


@pytest.fixture(scope="session")
def tiny_network(tiny_architecture, tiny_weights):
    """The network of these weights: max pooling, float32."""
    from nst_jax.networks import extract

    return extract.build(tiny_architecture, tiny_weights)


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """`[33, 45, 3]` float32 in [0, 1]: smooth waves and a disc. Read-only."""
    return _picture(seed=1, height=33, width=45, cycles=2)


@pytest.fixture(scope="session")
def painting() -> np.ndarray:
    """`[41, 37, 3]` float32 in [0, 1]: shorter waves and a disc. Read-only."""
    return _picture(seed=2, height=41, width=37, cycles=5)


@pytest.fixture
def alone(tiny_network):
    """`nst_jax.stylize` by the tiny network."""
    import nst_jax

    def run(content, style, options):
        return nst_jax.stylize(content, style, options, network=tiny_network)

    return run


@pytest.fixture
def together(tiny_network):
    """`nst_jax.stylize_batch` by the tiny network."""
    from support.batch_pictures import ADAM

    import nst_jax

    def run(contents, styles, options=ADAM, **keywords):
        return nst_jax.stylize_batch(
            contents, styles, options, network=tiny_network, **keywords
        )

    return run


@pytest.fixture
def run_jobs(tiny_network):
    """`batch.run_jobs` by the tiny network, as `{place: result}`."""
    from nst_jax.transfer import batch

    def run(jobs, **keywords):
        return dict(batch.run_jobs(jobs, network=tiny_network, **keywords))

    return run


def _picture(*, seed: int, height: int, width: int, cycles: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / max(height, width)
    image = np.zeros((height, width, 3))
    for _ in range(4):
        down, across = rng.uniform(-cycles, cycles, 2)
        wave = np.sin(2 * np.pi * (down * y + across * x + rng.random()))
        image += wave[..., None] * rng.uniform(0.3, 1, 3)
    disc = np.hypot(y - 0.4, x - 0.5) < 0.2
    image += disc[..., None] * rng.uniform(-2, 2, 3)
    low, high = image.min(), image.max()
    picture = ((image - low) / (high - low)).astype(np.float32)
    picture.setflags(write=False)
    return picture
