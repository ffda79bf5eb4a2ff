"""L-BFGS and Adam against `torch.optim`, iteration by iteration."""

import contextlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import references
import torch
from references import GatysLoss, TorchVGG, Trajectory, tensor, value_and_gradient

from nst_jax import verbs
from nst_jax.optimize import engine, lbfgs, solvers
from nst_jax.options import Options

pytestmark = pytest.mark.parity

STEPS = 20
TOLERANCE = {"float32": 1e-3, "float64": 1e-6}
TAPS = {"content_taps": ("relu4_2",), "style_taps": ("relu1_1", "relu2_1", "relu3_1")}


def valley(x):
    """Rosenbrock's function in 50 dimensions, its walls softened for fixed steps."""
    return 3 * ((x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x) ** 2).sum()


VALLEY_START = np.random.default_rng(0).uniform(0, 2, 50)


@pytest.fixture(scope="module")
def gatys(tiny_weights, photo, painting) -> GatysLoss:
    """Default options' loss with three style taps; PyTorch, float64."""
    loss = GatysLoss(
        TorchVGG.from_stored(tiny_weights, "max").to(torch.float64),
        tensor(photo).double(),
        tensor(painting).double(),
        **TAPS,
    )
    weights = {f"style/{tap}": 100.0 for tap in loss.style_taps}
    weights |= {"content/relu4_2": 5.0, "total_variation": 0.0}
    return GatysLoss(**{**vars(loss), "weights": weights})


def in_precision(loss: GatysLoss, dtype: str) -> GatysLoss:
    torch_dtype = getattr(torch, dtype)
    return GatysLoss(
        **{
            **vars(loss),
            "network": loss.network.to(torch_dtype),
            "content": loss.content.to(torch_dtype),
            "painting": loss.painting.to(torch_dtype),
        }
    )


def run(
    solver: optax.GradientTransformation,
    loss: references.Loss,
    start: np.ndarray,
) -> np.ndarray:
    """Losses of `solver` on PyTorch's loss: the solver is all that differs."""
    update = jax.jit(solver.update)
    point, losses = jnp.asarray(start), []
    state = solver.init(point)
    for _ in range(STEPS + 1):
        value, gradient = value_and_gradient(loss, tensor(point))
        losses.append(value)
        updates, state = update(jnp.asarray(gradient), state, point)
        point = point + updates
    assert point.dtype == start.dtype
    return np.array(losses)
