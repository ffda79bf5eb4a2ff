"""The convolution of frozen networks, with fast gradients with respect to its input.

A frozen network is never trained, so no others exist, and the backward pass is written
for that case.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from nst_jax.networks import winograd

_NHWC = ("NHWC", "HWIO", "NHWC")

_Pair = tuple[int, int]
_Padding = tuple[_Pair, ...]


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

    With strides, the rows and columns of one remainder by the stride get their gradient
    from one subset of the kernel; all subsets together are one convolution of stride 1,
    whose output channels are laid out as pixels. Groups are convolved one by one: XLA's
    own grouped convolution takes three times as long on CPUs, forward too.

    Args:
      inputs: `[b, h, w, i]`.
      kernel: `[kh, kw, i / groups, o]`.
      strides: down and across.
      padding: "SAME", "VALID" or `((top, bottom), (left, right))`.
      precision: as `jax.lax.conv_general_dilated` takes it.
      lhs_dilation: must be 1.
      rhs_dilation: must be 1.
      dimension_numbers: NHWC, HWIO, NHWC, or None for just that.
      feature_group_count: number of groups.
      preferred_element_type: must be None.
      out_sharding: must be None.

    Returns:
      `[b, h', w', o]`, in the dtype of `inputs`.

    Raises:
      ValueError: dilations other than 1, or an argument that must be None.
    """
    if preferred_element_type is not None or out_sharding is not None:
        raise ValueError(
            "frozen_convolution takes no preferred_element_type and no out_sharding; "
            f"got {preferred_element_type}, {out_sharding}"
        )
    if {*lhs_dilation, *rhs_dilation} != {1}:
        raise ValueError(
            "frozen_convolution has no dilation; got "
            f"lhs_dilation={tuple(lhs_dilation)}, rhs_dilation={tuple(rhs_dilation)}"
        )
    del dimension_numbers  # nnx.Conv always passes NHWC, HWIO, NHWC.
    down, across = strides
    if isinstance(padding, str):
        padding = lax.padtype_to_pads(
            inputs.shape[1:3], kernel.shape[:2], (down, across), padding
        )
    if precision is None:
        # Read here: the backward pass is traced outside of the caller's context.
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    how = _Convolution(
        (down, across),
        tuple((before, after) for before, after in padding),
        (inputs.shape[1], inputs.shape[2]),
        precision,
    )
    if feature_group_count == 1:
        return _convolve(inputs, kernel, how)
    parts = [
        _convolve(*part, how)
        for part in zip(
            jnp.split(inputs, feature_group_count, axis=-1),
            jnp.split(kernel, feature_group_count, axis=-1),
            strict=True,
        )
    ]
    return jnp.concatenate(parts, axis=-1)


@dataclasses.dataclass(frozen=True)
class _Convolution:
    """What is static of a convolution; `size` is the input's."""

    strides: _Pair
    padding: _Padding
    size: _Pair
    precision: Any


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(inputs: jax.Array, kernel: jax.Array, how: _Convolution) -> jax.Array:
    return lax.conv_general_dilated(
        inputs,
        kernel,
        how.strides,
        how.padding,
        dimension_numbers=_NHWC,
        precision=how.precision,
    )


def _convolve_forward(
    inputs: jax.Array, kernel: jax.Array, how: _Convolution
) -> tuple[jax.Array, jax.Array]:
    return _convolve(inputs, kernel, how), kernel


def _convolve_backward(
    how: _Convolution, kernel: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    if not cotangent.size:
        shape = (len(cotangent), *how.size, kernel.shape[2])
        return jnp.zeros(shape, cotangent.dtype), jnp.zeros_like(kernel)
    axes = [
        _Axis(*numbers)
        for numbers in zip(
            how.size,
            kernel.shape[:2],
            how.strides,
            [before for before, _ in how.padding],
            cotangent.shape[1:3],
            strict=True,
        )
    ]
    gradient = lax.conv_general_dilated(
        cotangent,
        _by_remainder(kernel, how.strides),
        (1, 1),
        [axis.padding for axis in axes],
        dimension_numbers=_NHWC,
        precision=how.precision,
    )
    if how.strides != (1, 1):
        gradient = _interleave(gradient, how.strides)
    zero, none = jnp.zeros((), gradient.dtype), (0, 0, 0)
    crops = [(*axis.crop, 0) for axis in axes]
    return lax.pad(gradient, zero, (none, *crops, none)), jnp.zeros_like(kernel)


_convolve.defvjp(_convolve_forward, _convolve_backward)


@dataclasses.dataclass(frozen=True)
class _Axis:
    """The arithmetic of a strided convolution's gradient along one axis.

    Of the padded input, pixel `n * stride + r` gets its gradient from the outputs
    `n - q`, by the kernel's pixel `q * stride + r`. `n` runs over those that hold a
    pixel of the input and of some window.
    """

    length: int
    kernel: int
    stride: int
    before: int
    outputs: int

    @property
    def _depth(self) -> int:
        return -(-self.kernel // self.stride)

    @property
    def _first(self) -> int:
        return self.before // self.stride

    @property
    def _last(self) -> int:
        return (self.before + self.length - 1) // self.stride

    @property
    def padding(self) -> _Pair:
        """Of the outputs, before they are convolved."""
        return (
            self._depth - 1 - self._first,
            self._last - (self.outputs - 1),
        )

    @property
    def crop(self) -> _Pair:
        """What the interleaved result has too much, as negative padding."""
        start = self.before - self._first * self.stride
        stop = (self._last + 1) * self.stride - (self.before + self.length)
        return -start, -stop


def _by_remainder(kernel: jax.Array, strides: _Pair) -> jax.Array:
    """`[kh, kw, i, o]` -> `[kh / s, kw / s, o, s * s * i]`, flipped, zero padded."""
    (height, width, inputs, outputs), (down, across) = kernel.shape, strides
    if strides == (1, 1):
        return kernel[::-1, ::-1].swapaxes(2, 3)
    rows, columns = -(-height // down), -(-width // across)
    below, right = rows * down - height, columns * across - width
    whole = jnp.pad(kernel, ((0, below), (0, right), (0, 0), (0, 0)))
    split = whole.reshape(rows, down, columns, across, inputs, outputs)
    flipped = split[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4)
    return flipped.reshape(rows, columns, outputs, down * across * inputs)


def _interleave(images: jax.Array, strides: _Pair) -> jax.Array:
    """`[b, h, w, s * s * c]` -> `[b, s * h, s * w, c]`: channels laid out as pixels."""
    (batch, height, width, channels), (down, across) = images.shape, strides
    channels //= down * across
    split = images.reshape(batch, height, width, down, across * channels)
    rows = split.swapaxes(2, 3)
    return rows.reshape(batch, height * down, width * across, channels)


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
      transformed: kernels of `winograd.convolve`, forward and backward, of each
        group, or None.
    """

    def __init__(
        self,
        kernel: Any,
        bias: Any,
        *,
        dtype: Any,
        stride: int = 1,
        padding: int = 1,
        groups: int = 1,
    ):
        """Wraps pretrained weights.

        Args:
          kernel: `[h, w, i / groups, o]`.
          bias: `[o]`.
          dtype: of weights and activations.
          stride: down and across.
          padding: rows and columns of zeros on each side.
          groups: of channels that see only each other.
        """
        height, width, inputs, outputs = kernel.shape
        super().__init__(
            inputs * groups,
            outputs,
            (height, width),
            strides=stride,
            padding=((padding, padding), (padding, padding)),
            feature_group_count=groups,
            dtype=dtype,
            param_dtype=dtype,
            kernel_init=lambda key, shape, dtype: jnp.asarray(kernel, dtype),
            bias_init=lambda key, shape, dtype: jnp.asarray(bias, dtype),
            conv_general_dilated=frozen_convolution,
            rngs=_NO_RANDOMNESS,
        )
        self._plain = (height, width, stride, padding) == (3, 3, 1, 1)
        self.transformed: tuple[tuple[jax.Array, jax.Array], ...] | None
        self.transformed = nnx.data(None)

    def prepare(self) -> None:
        """Transforms the kernel for Winograd's method, where that pays off on CPUs."""
        kernel = np.asarray(self.kernel[...])
        groups = np.split(kernel, self.feature_group_count, axis=-1)
        large = winograd.pays_off((1, 64, 64, kernel.shape[2]), groups[0].shape[3])
        if self._plain and kernel.dtype == np.float32 and large:
            self.transformed = nnx.data(tuple(map(_transform, groups)))

    def __call__(self, inputs: jax.Array) -> jax.Array:  # type: ignore[override]
        """`[b, h, w, i]` -> `[b, h', w', o]`, zero padded."""
        groups = self.feature_group_count
        seen = (*inputs.shape[:-1], inputs.shape[-1] // groups)
        if self.transformed is None or not winograd.pays_off(
            seen, self.out_features // groups
        ):
            return super().__call__(inputs)
        assert self.bias is not None
        parts = [
            winograd.convolve(part, *kernels)
            for part, kernels in zip(
                jnp.split(inputs, groups, axis=-1), self.transformed, strict=True
            )
        ]
        whole = parts[0] if groups == 1 else jnp.concatenate(parts, axis=-1)
        return whole + self.bias[...]


def _transform(kernel: np.ndarray) -> tuple[jax.Array, jax.Array]:
    """What `winograd.convolve` takes for `[3, 3, i, o]`, forward and backward."""
    back = kernel[::-1, ::-1].swapaxes(2, 3)
    return jnp.asarray(winograd.transform(kernel)), jnp.asarray(
        winograd.transform(back)
    )
