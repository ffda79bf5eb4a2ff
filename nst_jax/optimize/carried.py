"""What a solver knows of one size, as it holds at the next."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

Resized = Callable[..., jax.Array]
"""`(values [n, h, w, 3], linear=...) -> [n, h', w', 3]`."""


def moments(state: Any, before: Any, resized: Resized) -> Any:
    """A solver's first state at a size, with Adam's moments of the size before.

    Crowson's `style-transfer-pytorch`: the first moment by the bicubic filter, the
    second by the linear one, so that it stays 0 or more, and the count of steps.

    Args:
      state: of a solver of `optimize.solvers`, as it begins.
      before: its last state at the size before.
      resized: brings moments to the new size.
    """

    def of_part(new: Any, old: Any) -> Any:
        if not isinstance(new, optax.ScaleByAdamState):
            return new
        second = jnp.maximum(resized(old.nu, linear=True), 0)
        return optax.ScaleByAdamState(old.count, resized(old.mu, linear=False), second)

    return jax.tree.map(of_part, state, before, is_leaf=_is_adam)


def _is_adam(state: Any) -> bool:
    return isinstance(state, optax.ScaleByAdamState)
