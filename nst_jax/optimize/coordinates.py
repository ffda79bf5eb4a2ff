"""The coordinates in which a solver's steps are taken: pixels, or large shapes too.

A step of Adam or RMSprop moves each of its parameters about as far. Where these are
pixels, a large shape moves no further than a speck. Where they are the coefficients of
a Laplacian pyramid (Burt & Adelson 1983), a shape of any size has one of its own.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax


def pixels(
    inner: optax.GradientTransformation, levels: int
) -> optax.GradientTransformation:
    """The solver itself, whatever `levels`."""
    return inner


def laplacian(
    inner: optax.GradientTransformation, levels: int
) -> optax.GradientTransformation:
    """A solver of the coefficients of a Laplacian pyramid, that changes pixels.

    STROTSS (Kolkin et al. 2019, arXiv:1904.12785) and NNST (Kolkin et al. 2022,
    arXiv:2203.13215) optimise a pyramid that is added up to a picture. That is linear:
    with S the sum, a picture changes by `S(inner.update(S^T gradient))`, and nothing
    but the solver's state has the pyramid's form.

    Deviations: sizes below the picture's are those at which every pixel has the same
    bilinear weights, at its borders too, where theirs are halves, rounded down, whose
    outermost pixels are repeated. Pixels without a gradient, such as those of padding,
    stay where they are.

    Args:
      inner: such as `optax.scale_by_adam`; of arrays of any shapes.
      levels: halvings: the pyramid has so many details, and a rest.
    """

    def init(params: jax.Array) -> optax.OptState:
        return inner.init(_spread(jnp.zeros_like(params), levels))

    def update(
        gradient: jax.Array, state: optax.OptState, params: jax.Array | None = None
    ) -> tuple[jax.Array, optax.OptState]:
        parts, state = inner.update(_spread(gradient, levels), state)
        moves = jnp.any(gradient != 0, axis=-1, keepdims=True)
        return jnp.where(moves, _added_up(parts), 0), state

    return optax.GradientTransformation(init, update)


def _spread(gradient: jax.Array, levels: int) -> list[jax.Array]:
    """The gradient by each coefficient, of `[h, w, c]` by pixels: `S^T gradient`."""
    parts = [gradient]
    for _ in range(levels):
        parts.append(_gathered(parts[-1]))
    return parts


def _added_up(parts: list[jax.Array]) -> jax.Array:
    """The picture of coefficients, finest first: `S`."""
    image = parts[-1]
    for finer in reversed(parts[:-1]):
        (enlarged,) = jax.linear_transpose(_gathered, finer)(image)
        image = finer + enlarged
    return image


def _gathered(image: jax.Array) -> jax.Array:
    """The transpose of enlarging to twice the size, bilinearly; n become n // 2 + 2.

    Each pixel lies between two of the smaller picture both ways, those beyond a border
    among them.
    """
    for axis in (0, 1):
        count = image.shape[axis] // 2 + 2
        margins = [(0, 0, 0)] * image.ndim
        margins[axis] = (3, 2 * count - 1 - image.shape[axis], 0)
        padded = lax.pad(image, jnp.zeros((), image.dtype), margins)
        parts = [
            lax.slice_in_dim(padded, i, i + 2 * count - 1, 2, axis) for i in range(4)
        ]
        image = (parts[0] + 3 * parts[1] + 3 * parts[2] + parts[3]) / 4
    return image
