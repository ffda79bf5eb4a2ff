"""On which side of its kinks a network stands: where float32 and float64 may differ.

A unit of a million may lie within rounding of 0, a maximum within rounding of the next
largest; float32 then takes either side, PyTorch's own float32 too: a right gradient,
of a neighbouring picture, that differs by some 1e-3. References take the sides of the
program under test, once it is certain that only rounding decides.
"""

from collections.abc import Collection, Mapping

import jax
import torch
import torch.nn.functional as F
from torch import Tensor

from nst_jax.transfer.problem import Problem
from support.references import nchw


def names(network, taps: Collection[str]) -> tuple[str, ...]:
    """Taps whose signs and maxima shape the gradient: every ReLU up to the deepest."""
    known = network.architecture.taps
    depth = max(known.index(tap) for tap in taps)
    return tuple(name for name in known[: depth + 1] if "relu" in name)


def evaluation(objective, taps: tuple[str, ...], image: jax.Array, problem: Problem):
    """Loss, terms and gradient, and the activations of just that computation."""

    def loss(image):
        (total,), terms = objective(image[None], problem)
        gained = objective.input_gain * image[None]
        seen = problem.network(gained, taps, None, objective.border)
        features = {tap: view.features for tap, view in seen.items()}
        return total, ({name: term for name, (term,) in terms.items()}, features)

    (total, (terms, seen)), gradient = jax.value_and_grad(loss, has_aux=True)(image)
    return total, terms, gradient, seen


def sides(
    exact: Mapping[str, Tensor], seen: Mapping[str, jax.Array], pooling: str
) -> dict[str, Tensor]:
    """The sides taken by `seen`; asserts that only rounding made them others.

    Args:
      exact: `{tap: [1, c, h, w]}` in float64.
      seen: `{tap: [1, h, w, c]}` of the program.
      pooling: of the network; maxima are taken over 2x2 pixels.
    """
    taken = {tap: nchw(array) for tap, array in seen.items()}
    for tap, found in taken.items():
        rounding = 1e-5 * exact[tap].square().mean().sqrt()
        flipped = (exact[tap] > 0) != (found > 0)
        assert (torch.maximum(exact[tap], found)[flipped] < rounding).all(), tap
        if not pooling.startswith("max") or min(found.shape[2:]) < 2:
            continue
        how = {"kernel_size": 2, "ceil_mode": pooling == "max_ceil"}
        chosen = F.max_pool2d(found, return_indices=True, **how)[1].flatten(2)
        kept = exact[tap].flatten(2).gather(2, chosen)
        assert (F.max_pool2d(exact[tap], **how).flatten(2) - kept < rounding).all(), tap
    return taken
