"""L-BFGS and Adam against `torch.optim`, iteration by iteration."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from support import references
from support.classic import classic
from support.posing import pose
from support.references import (
    GatysLoss,
    TorchVGG,
    relative_error,
    tensor,
    value_and_gradient,
)
from support.tiny import built

from nst_jax.optimize import begin, engine, lbfgs, solvers
from nst_jax.transfer.run import solver as solver_of

pytestmark = pytest.mark.parity

STEPS = 20
TOLERANCE = {"float32": 1e-3, "float64": 1e-6}
HISTORIES = (10, 100)  # One that wraps within STEPS, one that doesn't.


def fixed_steps(history: int) -> optax.GradientTransformation:
    """L-BFGS as PyTorch has it, without the limit on steps of `solvers.lbfgs`."""
    return optax.chain(lbfgs.scale_by_lbfgs(history), optax.scale(-1.0))


def valley(x: Any) -> Any:
    """Rosenbrock's function in n dimensions, its walls softened for fixed steps."""
    return 3 * ((x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x) ** 2).sum()


@pytest.fixture(scope="module")
def gatys(tiny_weights, photo, painting) -> GatysLoss:
    """The loss of the default options; PyTorch, float64."""
    options = classic()
    (content_tap,) = options.content_taps
    weights = dict.fromkeys(
        (f"style/{tap}" for tap in options.style_taps), options.style_weight
    )
    return GatysLoss(
        TorchVGG.from_stored(tiny_weights, options.pooling).to(torch.float64),
        tensor(photo).double(),
        tensor(painting).double(),
        options.content_taps,
        options.style_taps,
        options.gram,
        options.tv,
        weights
        | {
            f"content/{content_tap}": options.content_weight,
            "total_variation": options.tv_weight,
        },
    )


def in_precision(loss: GatysLoss, dtype: str) -> GatysLoss:
    chosen = getattr(torch, dtype)
    return dataclasses.replace(
        loss,
        network=loss.network.to(chosen),
        content=loss.content.to(chosen),
        painting=loss.painting.to(chosen),
    )


@pytest.fixture(params=["gatys", "valley"])
def problem(request, gatys, photo):
    """`dtype -> (loss, start)`: the picture from the photo, or the valley."""
    if request.param == "gatys":
        return lambda dtype: (in_precision(gatys, dtype), photo.astype(dtype))
    start = np.random.default_rng(0).uniform(0, 2, 50)
    return lambda dtype: (valley, start.astype(dtype))


def run(
    solver: optax.GradientTransformation, loss: references.Loss, start: np.ndarray
) -> tuple[list[float], list[np.ndarray], Any]:
    """Losses, points and last state of `solver` on PyTorch's loss and gradients."""
    update = jax.jit(solver.update)
    point, state = jnp.asarray(start), solver.init(jnp.asarray(start))
    losses, points = [], []
    for _ in range(STEPS + 1):
        value, gradient = value_and_gradient(loss, tensor(point))
        losses.append(value)
        points.append(np.asarray(point))
        updates, state = update(jnp.asarray(gradient), state, point)
        point = point + updates
    assert point.dtype == start.dtype
    return losses, points, state


def first_curvature(seen: references.Trajectory) -> float:
    """s . y of the first pair; at most 1e-10, PyTorch would skip it."""
    step = seen.points[1] - seen.points[0]
    return float(np.vdot(step, seen.gradients[1] - seen.gradients[0]))


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_lbfgs_follows_torchs_losses(problem, dtype, history):
    loss, start = problem(dtype)
    expected = references.lbfgs(loss, tensor(start), steps=STEPS, history=history)
    assert first_curvature(expected) > 1e-3
    with jax.enable_x64(dtype == "float64"):
        losses, _, _ = run(fixed_steps(history), loss, start)
    assert losses == pytest.approx(expected.losses, rel=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_lbfgs_remembers_torchs_first_pair(problem, dtype):
    """Exactly: the difference of two rounded pictures is no step to go by."""
    loss, start = problem(dtype)
    expected = references.lbfgs(loss, tensor(start), steps=STEPS, history=100)
    with jax.enable_x64(dtype == "float64"):
        _, _, (state, _) = run(fixed_steps(100), loss, start)
    gradient = np.float64(expected.gradients[0]).reshape(-1)
    step = -gradient * min(1, 1 / np.abs(gradient).sum())
    change = (expected.gradients[1] - expected.gradients[0]).reshape(-1)
    assert relative_error(state.steps[0], step) < TOLERANCE[dtype] / 100
    assert relative_error(state.changes[0], change) < TOLERANCE[dtype]


def follow(
    objective, data, solver, start: np.ndarray, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Every loss that the engine reports of a lane alone, and its picture."""
    state, losses = begin.start(solver, jnp.asarray(start)[None]), []
    for done in engine.run(objective, data, solver, state, steps=steps):
        state = done.state
        (progress,) = done.lanes
        assert progress.event is None
        losses.append(progress.losses)
    return np.concatenate(losses), np.clip(state.best_image[0], 0, 1)


@pytest.mark.parametrize("history", HISTORIES)
def test_a_run_of_the_engine_follows_torchs_losses(
    history, gatys, tiny_network, photo, painting
):
    loss = in_precision(gatys, "float32")
    expected = references.lbfgs(loss, tensor(photo), steps=STEPS, history=history)
    assert first_curvature(expected) > 1e-3
    # `solvers.lbfgs` would shorten longer ones.
    steps = np.diff(expected.points, axis=0)
    assert np.sqrt(np.mean(steps**2, axis=(1, 2, 3))).max() < 0.1

    options = classic(
        history=history, preconditioner="none", bounds="none", precision="float32"
    )
    objective, data = pose(photo, [painting], options, tiny_network)
    losses, _ = follow(objective, data, solver_of(options), photo)
    assert losses == pytest.approx(expected.losses, rel=TOLERANCE["float32"])


def valley_objective(
    images: jax.Array, _: Any, iteration: Any
) -> tuple[jax.Array, dict[str, jax.Array]]:
    losses = jax.vmap(lambda image: valley(image.reshape(-1)))(images)
    return losses.astype(jnp.float32), {}  # The engine records float32.


@pytest.mark.parametrize("history", HISTORIES)
def test_a_float64_run_of_the_engine_follows_torchs_losses(history):
    start = np.random.default_rng(0).uniform(0, 2, 50)
    expected = references.lbfgs(valley, tensor(start), steps=STEPS, history=history)
    with jax.enable_x64(True):
        picture = start.reshape(50, 1, 1)
        losses, _ = follow(valley_objective, None, fixed_steps(history), picture)
    assert losses == pytest.approx(expected.losses, rel=TOLERANCE["float64"])


def test_a_picture_made_in_bfloat16_scores_like_one_made_in_float32(
    gatys, tiny_architecture, tiny_weights, photo, painting
):
    score = {}
    for precision in ("float32", "bfloat16"):
        network = built(tiny_architecture, tiny_weights, precision=precision)
        options = classic(precision=precision)
        objective, data = pose(photo, [painting], options, network)
        solver = solver_of(options)
        _, image = follow(objective, data, solver, photo, steps=60)
        score[precision] = gatys(tensor(image).double()).item()
    assert score["float32"] < 0.01 * gatys(tensor(photo).double()).item()
    assert score["bfloat16"] < 1.5 * score["float32"]


def torch_adam(loss, start, *, rate, epsilon, cosine) -> tuple[list, list]:
    """`torch.optim.Adam`, the picture clamped to [0, 1] after each step."""
    point = tensor(start).requires_grad_()
    optimizer = torch.optim.Adam([point], lr=rate, eps=epsilon)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    losses, points = [], []
    for _ in range(STEPS + 1):
        optimizer.zero_grad()
        value = loss(point)
        value.backward()
        losses.append(value.item())
        points.append(point.detach().numpy().copy())
        optimizer.step()
        if cosine:
            schedule.step()
        with torch.no_grad():
            point.clamp_(0, 1)
    return losses, points


@pytest.mark.parametrize("cosine", [False, True], ids=["constant", "cosine"])
@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
@pytest.mark.parametrize("box", ["inside", "at_the_edges"])
def test_adam_follows_torch(box, epsilon, cosine):
    rng = np.random.default_rng(6)
    inside = box == "inside"
    low, high, rate = (0.3, 0.7, 0.01) if inside else (0.0, 1.0, 0.08)
    start = rng.uniform(low, high, 200).astype(np.float32)
    goal = tensor(rng.uniform(-2, 3, 200).astype(np.float32))

    def loss(x: torch.Tensor) -> torch.Tensor:
        return ((x - goal) ** 4).sum() + ((x[1:] - x[:-1]) ** 2).sum()

    expected, torch_points = torch_adam(
        loss, start, rate=rate, epsilon=epsilon, cosine=cosine
    )
    edges = np.isin(torch_points[-1], (0, 1)).sum()
    assert edges == 0 if inside else edges > 20
    step = solvers.cosine(rate, STEPS) if cosine else rate
    solver = solvers.adam(step, adam_epsilon=epsilon)
    losses, points, _ = run(solver, loss, start)
    assert losses == pytest.approx(expected, rel=1e-5)
    assert relative_error(points, torch_points) < 1e-5
