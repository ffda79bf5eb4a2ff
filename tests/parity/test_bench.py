"""The benchmark's two sides compute the same: loss, gradient, steps."""

import dataclasses
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from bench.runners import (
    jax_painter,
    plain_torch,
    run_folder,
    run_jax,
    run_onnx,
    torch_loss,
    torch_painter,
    torch_steps,
)
from bench.workload import NETWORK, Job, Workload
from weights_convert import store

pytestmark = pytest.mark.parity

WORKLOAD = Workload(32, 40, history=5)


def job(variant: str = "default", precision: str = "float32", **fields: object) -> Job:
    workload = dataclasses.replace(WORKLOAD, **fields)
    return Job("step", "", variant, workload, precision)


def images(lanes: int) -> np.ndarray:
    """`[lanes, h, w, 3]`, off the photo, so that no term is zero."""
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal((lanes, 32, 40, 3), np.float32)
    return np.clip(WORKLOAD.content() + noise, 0, 1)


def error(found: np.ndarray, expected: np.ndarray) -> float:
    assert found.shape == expected.shape
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("variant", "pixel_range"), [("eager", 1.0), ("eager channels_last", 255.0)]
)
@pytest.mark.parametrize("lanes", [1, 3])
def test_loss_and_gradient_are_the_same(variant, pixel_range, lanes):
    ours, our_gradient = run_jax.gradient(job(lanes=lanes), images(lanes))
    steps, _ = torch_steps.build(job(variant, lanes=lanes), pixel_range=pixel_range)
    theirs, their_gradient = steps.gradient(images(lanes))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert np.ptp(ours) > 0 or lanes == 1
    for lane in range(lanes):
        assert error(our_gradient[lane], their_gradient[lane]) < 1e-3


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_steps_are_the_same(solver):
    plain = {"preconditioner": "none", "bounds": "none"}
    plain = plain if solver == "lbfgs" else {}
    ours = run_jax.measure(
        dataclasses.replace(job(solver=solver, lanes=2), options=plain)
    )["first_losses"]
    steps, _ = torch_steps.build(job("eager", solver=solver, lanes=2))
    theirs = []
    for _ in range(3):
        steps.run(1)
        theirs.append(steps.values[0].item())
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    assert len(set(theirs)) == 3


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_lanes_are_what_each_would_be_alone(solver):
    workload = dataclasses.replace(WORKLOAD, lanes=2, solver=solver)
    together, _ = torch_steps.build(job("eager", solver=solver, lanes=2))
    alone, _ = torch_steps.build(job("eager", solver=solver))
    together.run(4)
    for lane, style in enumerate(workload.styles()):
        alone.restart(style[None])
        alone.run(4)
        moved = alone.pictures()[0] - workload.content()
        assert error(together.pictures()[lane] - workload.content(), moved) < 0.01


def test_a_network_in_bfloat16_computes_nearly_the_same():
    full, _ = torch_steps.build(job("eager"))
    half, _ = torch_steps.build(job("eager channels_last", "bfloat16"))
    (full_loss, full_gradient), (loss, gradient) = (
        steps.gradient(images(1)) for steps in (full, half)
    )
    np.testing.assert_allclose(loss, full_loss, rtol=0.02)
    assert error(gradient, full_gradient) < 0.3


@pytest.fixture
def _wide_products_on_cpus(monkeypatch):
    """CPUs have no product of bfloat16 matrices into float32: stands in for it."""
    real = torch_loss._multiply

    def multiply(a, b, out_dtype=None):
        if out_dtype is None:
            return real(a, b)
        return real(a.to(out_dtype), b.to(out_dtype))

    monkeypatch.setattr(torch_loss, "_multiply", multiply)


@pytest.mark.usefixtures("_wide_products_on_cpus")
def test_wide_products_have_the_gradient_of_plain_ones():
    columns = torch.randn(2, 15, 4, dtype=torch.float32).bfloat16()
    cotangent = torch.randn(2, 4, 4)
    gradients = []
    for products in (torch_loss._WideProducts.apply, torch_loss._products):
        leaf = columns.clone().requires_grad_()
        found = products(leaf)
        assert found.dtype == torch.float32
        gradients += torch.autograd.grad(found, leaf, cotangent)
    np.testing.assert_allclose(*(g.float().numpy() for g in gradients), atol=0.1)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_captured_run_starts_afresh(solver, monkeypatch):
    captured = []

    def capture(part):
        for _ in range(4):  # As the warm-up and the capture do.
            part()
        captured.append(part)
        return part

    monkeypatch.setattr(torch_steps.Steps, "_captured", staticmethod(capture))
    workload = dataclasses.replace(WORKLOAD, solver=solver)
    loss = torch_loss.StyleLoss(workload)
    graphed = torch_steps.Steps(loss, workload, graph=True)
    plain = torch_steps.Steps(loss, workload)
    assert len(captured) == 1
    graphed.run(4)
    plain.run(4)
    np.testing.assert_array_equal(graphed.pictures(), plain.pictures())
    assert graphed.values == plain.values


def test_the_plain_script_minimises_the_same_loss(tmp_path, monkeypatch):
    workload = dataclasses.replace(
        WORKLOAD,
        photo="examples/photos/cat.jpg",
        paintings=("examples/styles/swirls.jpg",),
    )
    store.save(NETWORK, workload.network_weights(), {})
    weights = str(store.weights_path(NETWORK))
    photo, (painting,) = workload.write_pictures(tmp_path)
    content, style = (plain_torch.load_image(p, 40, "cpu") for p in (photo, painting))
    with torch.no_grad():
        model, of_content, of_style = plain_torch.build(weights, content, style, "cpu")
        model(content + 20)
    theirs = 5 * of_content[0].loss + 100 * sum(layer.loss for layer in of_style)
    loss = torch_loss.StyleLoss(workload, pixel_range=255.0)
    np.testing.assert_allclose(theirs, loss(loss.start + 20)[0], rtol=1e-4)

    output = tmp_path / "out.png"
    files = [str(photo), str(painting), str(output)]
    flags = ["plain_torch", *files, f"--weights={weights}", "--size=40", "--steps=40"]
    monkeypatch.setattr(sys, "argv", flags)
    plain_torch.main()
    store.weights_path(NETWORK).unlink()
    with Image.open(output) as opened:
        painted = loss.tensor([np.float32(opened) / 255])
    assert loss(painted)[0] < 0.5 * loss(loss.start)[0]


def test_one_pass_is_the_same_in_all_three():
    wanted = job("eager", lanes=2)
    ours = np.asarray(jax_painter.painted(wanted)())
    theirs = torch_painter.painted(wanted)().permute(0, 2, 3, 1).numpy() / 255
    exported = run_onnx.painted(wanted)().transpose(0, 2, 3, 1)
    assert ours.std() > 0.001
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    np.testing.assert_allclose(exported, ours, atol=1e-5)


def test_training_is_the_same():
    """The losses of some updates: gradients and Adam's, too."""
    ours, theirs = (
        jax_painter.stepper(job(lanes=2)),
        torch_painter.stepper(job("eager", lanes=2)),
    )
    found = [ours() for _ in range(4)]
    np.testing.assert_allclose([theirs() for _ in range(4)], found, rtol=1e-3)
    assert found[3] < 0.97 * found[0]


@pytest.mark.parametrize("framework", ["nst_jax", "PyTorch", "onnxruntime"])
def test_programs_paint_a_folder(framework):
    wanted = dataclasses.replace(
        job("eager" if framework == "PyTorch" else "default"),
        case="folder",
        framework=framework,
        steps=2,
        repeats=1,
    )
    found = run_folder.measure(wanted)
    assert found["painted"] == 2
    assert len(found["later_seconds"]) == 1
