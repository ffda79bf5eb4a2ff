"""The layers of frozen networks: convolution and pooling with fast input gradients.

A frozen network is never trained, so only gradients with respect to its input exist;
each layer here has a backward pass written for that case.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from nst_jax.networks import winograd

_NHWC = ("NHWC", "HWIO", "NHWC")

_Padding = tuple[tuple[int, int], ...]


def frozen_convolution(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    *,
    precision: Any = None,
    lhs_dilation: Sequence[int] = (1, 1),
    rhs_dilation: Sequence[int] = (1, 1),
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> jax.Array:
    """2-D convolution whose backward pass is a forward convolution too.

    Stands in for `jax.lax.conv_general_dilated` in `flax.nnx.Conv`. The gradient with
    respect to the input is the convolution of the cotangent with the kernel flipped in
    height and width and with its channels swapped; the gradient with respect to the
    kernel is zero, by definition of frozen. XLA's own input gradient of a convolution
    inside a device loop runs 10 times slower on CPUs (jax#12868).

    Args:
      inputs: `[b, h, w, i]`.
      kernel: `[kh, kw, i, o]`.
      strides: must be 1.
      padding: "SAME", "VALID" or `((top, bottom), (left, right))`.
      precision: as `jax.lax.conv_general_dilated` takes it.
      lhs_dilation: must be 1.
      rhs_dilation: must be 1.
      dimension_numbers: NHWC, HWIO, NHWC, or None for just that.
      feature_group_count: must be 1.
      preferred_element_type: must be None.
      out_sharding: must be None.

    Returns:
      `[b, h', w', o]`, in the dtype of `inputs`.

    Raises:
      ValueError: strides, dilations or groups other than 1, or an argument that must
        be None.
    """
    general = (*strides, *lhs_dilation, *rhs_dilation, feature_group_count)
    if preferred_element_type is not None or out_sharding is not None:
        raise ValueError(
            "frozen_convolution takes no preferred_element_type and no out_sharding; "
            f"got {preferred_element_type}, {out_sharding}"
        )
    if set(general) != {1}:
        raise ValueError(
            "frozen_convolution has stride 1, no dilation and one group; got "
            f"strides={tuple(strides)}, lhs_dilation={tuple(lhs_dilation)}, "
            f"rhs_dilation={tuple(rhs_dilation)}, groups={feature_group_count}"
        )
    del dimension_numbers  # nnx.Conv always passes NHWC, HWIO, NHWC.
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(
            inputs.shape[1:3], kernel.shape[:2], (1, 1), padding
        )
    if precision is None:
        # Read here: the backward pass is traced outside of the caller's context.
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    pads = tuple((before, after) for before, after in padding)
    return _convolve(inputs, kernel, pads, precision)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _convolve(
    inputs: jax.Array, kernel: jax.Array, padding: _Padding, precision: Any
) -> jax.Array:
    return lax.conv_general_dilated(
        inputs,
        kernel,
        (1, 1),
        padding,
        dimension_numbers=_NHWC,
        precision=precision,
    )


def _convolve_forward(
    inputs: jax.Array, kernel: jax.Array, padding: _Padding, precision: Any
) -> tuple[jax.Array, jax.Array]:
    return _convolve(inputs, kernel, padding, precision), kernel


def _convolve_backward(
    padding: _Padding, precision: Any, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    flipped = kernel[::-1, ::-1].swapaxes(2, 3)
    full = tuple(
        (size - 1 - before, size - 1 - after)
        for size, (before, after) in zip(kernel.shape[:2], padding, strict=True)
    )
    return _convolve(cotangent, flipped, full, precision), jnp.zeros_like(kernel)


_convolve.defvjp(_convolve_forward, _convolve_backward)


class _NoRandomness(nnx.Rngs):
    """Stands in for the keys that initialisers get: those of weights ignore them."""

    def __init__(self) -> None:
        pass

    def params(self) -> None:
        """No key; making real ones takes longer than loading the weights."""


_NO_RANDOMNESS = _NoRandomness()


class FrozenConvolution(nnx.Conv):
    """`flax.nnx.Conv` by `frozen_convolution`, or by Winograd's method once prepared.

    Attributes:
      transformed: kernels of `winograd.convolve`, forward and backward, or None.
    """

    def __init__(self, kernel: Any, bias: Any, *, dtype: Any):
        """Wraps pretrained weights.

        Args:
          kernel: `[h, w, i, o]`.
          bias: `[o]`.
          dtype: of weights and activations.
        """
        height, width, inputs, outputs = kernel.shape
        super().__init__(
            inputs,
            outputs,
            (height, width),
            dtype=dtype,
            param_dtype=dtype,
            kernel_init=lambda key, shape, dtype: jnp.asarray(kernel, dtype),
            bias_init=lambda key, shape, dtype: jnp.asarray(bias, dtype),
            conv_general_dilated=frozen_convolution,
            rngs=_NO_RANDOMNESS,
        )
        self.transformed: tuple[jax.Array, jax.Array] | None = nnx.data(None)

    def prepare(self) -> None:
        """Transforms the kernel for Winograd's method, where that pays off on CPUs."""
        kernel = np.asarray(self.kernel[...])
        height, width, inputs, outputs = kernel.shape
        large = winograd.pays_off((1, 64, 64, inputs), outputs)
        if (height, width) == (3, 3) and kernel.dtype == np.float32 and large:
            back = kernel[::-1, ::-1].swapaxes(2, 3)
            self.transformed = nnx.data(
                (
                    jnp.asarray(winograd.transform(kernel)),
                    jnp.asarray(winograd.transform(back)),
                )
            )

    def __call__(self, inputs: jax.Array) -> jax.Array:  # type: ignore[override]
        """`[b, h, w, i]` -> `[b, h, w, o]`, zero padded."""
        if self.transformed is None or not winograd.pays_off(
            inputs.shape, self.out_features
        ):
            return super().__call__(inputs)
        assert self.bias is not None
        return winograd.convolve(inputs, *self.transformed) + self.bias[...]


def _windows(images: jax.Array) -> jax.Array:
    """`[b, h, w, c]` -> `[b, h // 2, 2, w // 2, 2, c]`; an odd last line is dropped."""
    b, h, w, c = images.shape
    even = images[:, : h // 2 * 2, : w // 2 * 2]
    return even.reshape(b, h // 2, 2, w // 2, 2, c)


@jax.custom_vjp
def max_pool(images: jax.Array) -> jax.Array:
    """2x2 maximum with stride 2: `[b, h, w, c]` -> `[b, h // 2, w // 2, c]`.

    The backward pass sends each cotangent to the pixel that equals the window's
    maximum, and of several equal ones to the first in reading order, as PyTorch does:
    comparisons instead of XLA's slow select-and-scatter. An odd last row or column is
    dropped (PyTorch's floor mode; Simonyan & Zisserman 2014, arXiv:1409.1556).
    """
    return lax.reduce_window(
        images, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
    )


def _max_pool_forward(
    images: jax.Array,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    pooled = max_pool(images)
    return pooled, (images, pooled)


def _max_pool_backward(
    residuals: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array]:
    images, pooled = residuals
    height, width = (size // 2 * 2 for size in images.shape[1:3])
    taken = jnp.zeros(pooled.shape, bool)
    lines = []
    for i in range(2):
        line = []
        for j in range(2):
            equal = images[:, i:height:2, j:width:2] == pooled
            line.append(jnp.where(equal & ~taken, cotangent, 0))
            taken = taken | equal
        # Joined along channels, the pixels of a window's line lie side by side.
        lines.append(jnp.concatenate(line, axis=-1))
    batch, _, _, channels = images.shape
    even = jnp.stack(lines, axis=2).reshape(batch, height, width, channels)
    below, right = images.shape[1] - height, images.shape[2] - width
    return (jnp.pad(even, ((0, 0), (0, below), (0, right), (0, 0))),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


def average_pool(images: jax.Array) -> jax.Array:
    """2x2 mean with stride 2: `[b, h, w, c]` -> `[b, h // 2, w // 2, c]`.

    Gatys et al. 2015 (arXiv:1508.06576) replace the network's max pooling with it. An
    odd last row or column is dropped, as in `max_pool`.
    """
    return _windows(images).mean(axis=(2, 4))


def confine(images: jax.Array, extents: jax.Array) -> jax.Array:
    """Zero outside of each image's own part, from its top left corner.

    Applied after every layer, it makes images of several shapes that were padded to one
    see exactly what each would alone, where layers pad with zeros too.

    Args:
      images: `[b, h, w, c]`.
      extents: `[b, 2]` int32, height and width of the part that belongs to the image.
    """
    _, height, width, _ = images.shape
    rows = jnp.arange(height)[:, None] < extents[:, 0, None, None]
    columns = jnp.arange(width) < extents[:, 1, None, None]
    return jnp.where((rows & columns)[..., None], images, 0)


POOLINGS: Mapping[str, Callable[[jax.Array], jax.Array]] = MappingProxyType(
    {"max": max_pool, "avg": average_pool}
)
