"""The whole loss and its gradient with respect to the picture against autograd."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from support import kinks
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

from nst_jax.options import Options
from weights_convert.architectures import find

pytestmark = pytest.mark.parity

CONTENT_TAPS = ("conv3_2", "relu4_2")
STYLE_TAPS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "pool2")
CHOICES = {
    field.name: field.metadata["choices"] for field in dataclasses.fields(Options)
}
FORMULAS = [(gram, "l2") for gram in CHOICES["gram"]]
FORMULAS += [("chw", tv) for tv in CHOICES["tv"] if tv != "l2"]


def balanced(loss: GatysLoss, image: torch.Tensor) -> dict[str, float]:
    """Weights under which every term of `image` is 1, so that an error in any shows."""
    with torch.no_grad():
        return {name: 1 / term.item() for name, term in loss.terms(image).items()}


def options(gram: str, tv: str, weights: dict[str, float]) -> Options:
    return classic(
        content_taps=CONTENT_TAPS,
        style_taps=STYLE_TAPS,
        content_weight=1.0,
        style_weight=1.0,
        content_tap_weights=tuple(weights[f"content/{tap}"] for tap in CONTENT_TAPS),
        style_tap_weights=tuple(weights[f"style/{tap}"] for tap in STYLE_TAPS),
        tv_weight=weights["total_variation"],
        gram=gram,
        tv=tv,
        precision="float32",
    )


def check(network, reference: TorchVGG, pictures, *, gram: str, tv: str) -> None:
    """Loss, terms and gradient in float32 against PyTorch's in float64.

    The network as it was loaded, and as `pose` prepares it for a CPU.
    """
    reference = reference.to(torch.float64)
    photo, painting, image = (tensor(picture).double() for picture in pictures)
    loss = GatysLoss(reference, photo, painting, CONTENT_TAPS, STYLE_TAPS, gram, tv)
    weights = balanced(loss, image)
    objective, problem = pose(
        pictures[0], [pictures[1]], options(gram, tv, weights), network
    )
    direct = dataclasses.replace(problem, network=network)
    names = kinks.names(network, (*CONTENT_TAPS, *STYLE_TAPS))
    evaluate = jax.jit(functools.partial(kinks.evaluation, objective, names))
    with torch.no_grad():
        exact = reference.taps(image)
    for data in (direct, problem):
        total, terms, gradient, activations = evaluate(jnp.asarray(pictures[2]), data)
        sides = kinks.sides(exact, activations, reference.pooling)
        expected, expected_gradient = value_and_gradient(
            dataclasses.replace(loss, weights=weights, sides=sides), image
        )
        assert total == pytest.approx(expected, rel=1e-5)
        assert {name: float(term) for name, term in terms.items()} == pytest.approx(
            dict.fromkeys(weights, 1.0), rel=1e-5
        )
        assert relative_error(gradient, expected_gradient) < 1e-4


@pytest.mark.parametrize(("gram", "tv"), FORMULAS)
def test_loss_and_gradient_of_every_formula(
    gram, tv, pooling, tiny_architecture, tiny_weights, photo, painting
):
    # Few grey levels: neighbouring pixels are often equal, the kink of l1.
    image = np.round(photo[::-1] * 16) / 16
    check(
        built(tiny_architecture, tiny_weights, pooling=pooling),
        TorchVGG.from_stored(tiny_weights, pooling),
        (photo, painting, image),
        gram=gram,
        tv=tv,
    )


def test_loss_and_gradient_through_converted_weights(converted, image):
    # Formats know nothing of pooling: one of both for each network.
    pooling = "max" if "vgg19" in converted.published.network else "avg"
    rng, image = np.random.default_rng(4), image[:45, :53]  # 2 x 3 at the last tap.
    photo = rng.random(image.shape, np.float32)
    painting = rng.random((37, 49, 3), np.float32)
    network = built(
        find(converted.published.network), converted.weights, pooling=pooling
    )
    check(
        network,
        converted.reference(pooling),
        (photo, painting, image),
        gram="chw",
        tv="l2",
    )
