"""Every preset of a known system: its loss and gradient against that system's formula.

`-s` prints the table of errors.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from references import TorchVGG, relative_error, tensor, torchvision_input
from systems import ONE_SIZE, SYSTEMS

from nst_jax.networks import registry
from nst_jax.networks.tables import CAFFE
from nst_jax.presets import PRESETS
from nst_jax.problem import pose

pytestmark = pytest.mark.parity

OURS = {"fast", "best"}
KINDS = ("content/", "style/", "total_variation")


@functools.cache
def weights_of(network: str) -> dict[str, np.ndarray]:
    """Of full width: some presets' weights depend on the number of channels."""
    return registry.random_weights(registry.table(network), np.random.default_rng(5))


def pictures(name: str) -> tuple[np.ndarray, ...]:
    """Photo, painting and picture; of odd sizes, for some systems of one size only."""
    rng = np.random.default_rng(8)
    other = (53, 39, 3) if name not in ONE_SIZE else (45, 37, 3)
    return tuple(rng.random(s, np.float32) for s in ((45, 37, 3), other, (45, 37, 3)))


def reference(network: str, pooling: str) -> TorchVGG:
    stored = TorchVGG.from_stored(weights_of(network), pooling).to(torch.float64)
    if registry.table(network).preprocessing == CAFFE:
        return stored
    kernel, bias = stored.layers["conv1_1"]
    layers = stored.layers | {"conv1_1": (kernel.flip(1), bias)}  # RGB again.
    return dataclasses.replace(stored, layers=layers, preprocess=torchvision_input)


def expected(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The system's three losses, and the gradient of each, `[3, h, w, 3]`."""
    options = PRESETS[name].options
    photo, painting, image = (tensor(p).double() for p in pictures(name))
    network = reference(options.network, options.pooling)
    losses = SYSTEMS[name](network, photo, painting)
    leaf = image.requires_grad_()
    terms = losses(leaf)
    gradients = [torch.autograd.grad(t, leaf, retain_graph=True)[0] for t in terms]
    return np.array([t.item() for t in terms]), torch.stack(gradients).numpy()


def losses_of(objective, problem, image) -> jax.Array:
    """Ours of the same three kinds, `[3]`."""
    total, terms = objective(image[None], problem)
    kinds = [
        sum((term[0] for key, term in terms.items() if key.startswith(kind)), 0.0)
        for kind in KINDS
    ]
    return jnp.stack([jnp.asarray(kind, total.dtype) for kind in kinds])


def test_every_preset_of_a_system_is_restated():
    assert PRESETS.keys() - OURS == SYSTEMS.keys()


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_term_and_its_gradient_in_float64(name):
    """No rounding decides on which side of a kink: formulas agree to the digits."""
    options = PRESETS[name].options
    photo, painting, image = pictures(name)
    losses, gradients = expected(name)
    with jax.enable_x64(True):
        # As `registry.build`, in a precision that it doesn't offer.
        module = type(registry.build(options.network, weights_of(options.network)))
        network = module(
            registry.table(options.network),
            weights_of(options.network),
            pooling=options.pooling,
            dtype=jnp.float64,
        )
        objective, problem = pose(
            *(np.float64(photo), [np.float64(painting)], options, network)
        )
        evaluate = functools.partial(losses_of, objective, problem)
        found = evaluate(jnp.asarray(np.float64(image)))
        slopes = jax.jit(jax.jacrev(evaluate))(jnp.asarray(np.float64(image)))
    np.testing.assert_allclose(found, losses, rtol=1e-6)
    for kind, slope, gradient in zip(KINDS, slopes, gradients, strict=True):
        if kind == "total_variation" and not options.tv_weight:
            assert not np.any(gradient)
            assert not np.any(slope)
        else:
            assert relative_error(slope, gradient) < 1e-6, kind


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_whole_loss_and_its_gradient_as_the_program_computes_them(name, report):
    options = dataclasses.replace(PRESETS[name].options, precision="float32")
    photo, painting, image = pictures(name)
    losses, gradients = expected(name)
    network = registry.build(
        options.network, weights_of(options.network), pooling=options.pooling
    )
    objective, problem = pose(photo, [painting], options, network)
    if options.network.startswith("vgg"):
        # By the direct convolutions, whose rounding is the smallest.
        problem = dataclasses.replace(problem, network=network)

    @jax.jit
    def evaluate(image, problem):
        def total(image):
            return objective(image[None], problem)[0][0]

        return jax.value_and_grad(total)(image)

    total, gradient = evaluate(jnp.asarray(image), problem)
    errors = (
        abs(float(total) - losses.sum()) / losses.sum(),
        relative_error(gradient, gradients.sum(0)),
    )
    report.append((name, *errors))
    assert max(errors) < 1e-4, errors


@pytest.fixture(scope="module")
def report():
    """Lines of the table, printed at the end."""
    lines: list[tuple[str, float, float]] = []
    yield lines
    print("\n| preset | loss | gradient |\n|---|---|---|")
    for name, loss, gradient in lines:
        print(f"| `{name}` | {loss:.1e} | {gradient:.1e} |")
