"""The convolution of frozen networks, with fast gradients with respect to its input.

A frozen network is never trained, so no others exist, and the backward pass is written
for that case.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from nst_jax.devices import suited
from nst_jax.networks import borders, im2col, winograd
from nst_jax.networks.borders import ZERO, Border

_NHWC = ("NHWC", "HWIO", "NHWC")

_Kernels = tuple[tuple[winograd.Kernel, winograd.Kernel], ...]


class FrozenConvolution(nnx.Module):
    """A 2-D convolution whose backward pass is a forward convolution too.

    The gradient with respect to the input is the convolution of the cotangent with the
    kernel flipped in height and width and with its channels swapped, of few channels as
    a product of matrices (`im2col.gradient`); the gradients with respect to the weights
    are never asked for, that of the kernel is zero. XLA's own input gradient of a
    convolution inside a device loop runs 10 times slower on CPUs (jax#12868). Groups
    are convolved one by one: XLA's own grouped convolution takes three times as long on
    CPUs, forward too.

    Attributes:
      kernel: `[h, w, i / groups, o]`; its dtype is that of the activations.
      bias: `[o]`.
      stride: down and across.
      padding: rows and columns on each side, zeros unless a call says otherwise.
      groups: of channels that see only each other.
      gradient_dtype: of the kernels of `winograd.convolve` on the way back; None: that
        of the kernel.
      transformed: kernels of `winograd.convolve`, forward and backward, of each group,
        or None.
    """

    def __init__(
        self,
        kernel: jax.Array,
        bias: jax.Array,
        *,
        stride: int = 1,
        padding: int = 1,
        groups: int = 1,
        gradient_dtype: Any = None,
        transformed: _Kernels | None = None,
    ):
        """Wraps pretrained weights; see the attributes."""
        self.kernel = nnx.Param(kernel)
        self.bias = nnx.Param(bias)
        self.stride = stride
        self.padding = padding
        self.groups = groups
        self.gradient_dtype = gradient_dtype
        self.transformed = nnx.data(transformed)

    def prepared(self, *, shapes: bool = False) -> "FrozenConvolution":
        """This one by Winograd's method, where that pays off on CPUs, else itself.

        Args:
          shapes: have shapes and types in place of the transformed kernels.
        """
        _, _, inputs, outputs = self.kernel.shape
        outputs //= self.groups
        large = winograd.pays_off((1, 64, 64, inputs), outputs)
        if not (self._is_plain and large and self.kernel.dtype == np.float32):
            return self
        transformed: Any
        if shapes:
            dtypes = np.float32, self.gradient_dtype or np.float32
            pairs = (inputs, outputs), (outputs, inputs)
            one = tuple(
                winograd.transformed_shapes(*pair, dtype)
                for pair, dtype in zip(pairs, dtypes, strict=True)
            )
            transformed = (one,) * self.groups
        else:
            kernel = np.asarray(self.kernel[...])
            groups = np.split(kernel, self.groups, axis=-1)
            transformed = tuple(_transform(of, self.gradient_dtype) for of in groups)
        return FrozenConvolution(
            self.kernel[...],
            self.bias[...],
            groups=self.groups,
            gradient_dtype=self.gradient_dtype,
            transformed=transformed,
        )

    def __call__(
        self,
        inputs: jax.Array,
        border: Border = ZERO,
        extents: jax.Array | None = None,
    ) -> jax.Array:
        """Convolves images, in the weights' dtype.

        Args:
          inputs: `[b, h, w, i]`; zero outside of `extents`.
          border: what is in the padding around each image.
          extents: `[b, 2]` int32, see `Network.__call__`.

        Returns:
          `[b, h', w', o]`.
        """
        kernel, bias = self.kernel[...], self.bias[...]
        parts = jnp.split(inputs.astype(kernel.dtype), self.groups, axis=-1)
        kernels = jnp.split(kernel, self.groups, axis=-1)
        groups = range(self.groups)
        if border.step is None or not self.padding:
            found = [self._convolved(parts[n], kernels[n], n) for n in groups]
        elif self._is_plain:
            found = [
                borders.convolved(
                    *(parts[n], kernels[n]),
                    functools.partial(self._convolved, kernel=kernels[n], group=n),
                    *(border, extents),
                )
                for n in groups
            ]
        else:
            around = self.padding, border, extents
            larger = [borders.extended(part, *around) for part in parts]
            found = [self._convolved(larger[n], kernels[n], n, 0) for n in groups]
        return jnp.concatenate(found, axis=-1) + bias

    @property
    def _is_plain(self) -> bool:
        """Whether it is 3x3 and keeps the size."""
        size = self.kernel[...].shape[:2]
        return (*size, self.stride, self.padding) == (3, 3, 1, 1)

    def _convolved(
        self,
        part: jax.Array,
        kernel: jax.Array,
        group: int,
        padding: int | None = None,
    ) -> jax.Array:
        """What a group gives, padded by zeros; by default as many as the layer has."""
        if self.transformed is not None and winograd.pays_off(
            part.shape, kernel.shape[3]
        ):
            return winograd.convolve(part, *self.transformed[group])
        # Read here: the backward pass is traced outside of this context.
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
        padding = self.padding if padding is None else padding
        plain = self._is_plain and padding == self.padding
        if plain and im2col.pays_off(kernel.shape) and suited.im2col():
            return im2col.convolve(part, kernel, precision)
        how = _Convolution(self.stride, padding, part.shape[1:3], precision)
        return _convolve(part, kernel, how)


def _transform(
    kernel: np.ndarray, dtype: Any
) -> tuple[winograd.Kernel, winograd.Kernel]:
    """What `winograd.convolve` takes for `[3, 3, i, o]`: float32, and of a dtype."""
    back = kernel[::-1, ::-1].swapaxes(2, 3)
    rounded = (part.astype(dtype or np.float32) for part in winograd.transform(back))
    # Put, not `asarray`, which would be a program for each shape, and one copy more.
    forward: winograd.Kernel = jax.device_put(winograd.transform(kernel))
    backward: winograd.Kernel = jax.device_put(tuple(rounded))
    return forward, backward


@dataclasses.dataclass(frozen=True)
class _Convolution:
    """What is static of a convolution; `size` is the input's height and width."""

    stride: int
    padding: int
    size: tuple[int, ...]
    precision: Any


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def _convolve(inputs: jax.Array, kernel: jax.Array, how: _Convolution) -> jax.Array:
    """`[b, h, w, i]` by `[kh, kw, i, o]` -> `[b, h', w', o]`."""
    return lax.conv_general_dilated(
        inputs,
        kernel,
        (how.stride, how.stride),
        ((how.padding, how.padding),) * 2,
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
    """One convolution of stride 1, whatever the stride of the forward pass.

    With strides, the rows and columns of one remainder by the stride get their gradient
    from one subset of the kernel; all subsets together are one convolution, whose
    output channels are laid out as pixels.
    """
    if not cotangent.size:
        shape = (len(cotangent), *how.size, kernel.shape[2])
        return jnp.zeros(shape, cotangent.dtype), jnp.zeros_like(kernel)
    if (how.stride, how.padding) == (1, 1) and im2col.pays_off(kernel.shape):
        # On CPUs too, where the way forward isn't: 1.3 to 4 times as quick.
        found = im2col.gradient(cotangent, kernel, how.precision)
        return found, jnp.zeros_like(kernel)
    axes = [
        _Axis(length, size, how.stride, how.padding, outputs)
        for length, size, outputs in zip(
            how.size, kernel.shape[:2], cotangent.shape[1:3], strict=True
        )
    ]
    gradient = lax.conv_general_dilated(
        cotangent,
        _by_remainder(kernel, how.stride),
        (1, 1),
        [axis.padding for axis in axes],
        dimension_numbers=_NHWC,
        precision=how.precision,
    )
    if how.stride != 1:
        gradient = depth_to_space(gradient, how.stride)
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
    def padding(self) -> tuple[int, int]:
        """Of the outputs, before they are convolved."""
        return (
            self._depth - 1 - self._first,
            self._last - (self.outputs - 1),
        )

    @property
    def crop(self) -> tuple[int, int]:
        """What the interleaved result has too much, as negative padding."""
        start = self.before - self._first * self.stride
        stop = (self._last + 1) * self.stride - (self.before + self.length)
        return -start, -stop


def _by_remainder(kernel: jax.Array, stride: int) -> jax.Array:
    """`[kh, kw, i, o]` -> `[kh / s, kw / s, o, s * s * i]`, flipped, zero padded."""
    height, width, inputs, outputs = kernel.shape
    if stride == 1:
        return kernel[::-1, ::-1].swapaxes(2, 3)
    rows, columns = -(-height // stride), -(-width // stride)
    below, right = rows * stride - height, columns * stride - width
    whole = jnp.pad(kernel, ((0, below), (0, right), (0, 0), (0, 0)))
    split = whole.reshape(rows, stride, columns, stride, inputs, outputs)
    flipped = split[::-1, :, ::-1].transpose(0, 2, 5, 1, 3, 4)
    return flipped.reshape(rows, columns, outputs, stride * stride * inputs)


def depth_to_space(images: jax.Array, stride: int) -> jax.Array:
    """`[b, h, w, s * s * c]` -> `[b, s * h, s * w, c]`: channels laid out as pixels."""
    batch, height, width, channels = images.shape
    channels //= stride * stride
    split = images.reshape(batch, height, width, stride, stride * channels)
    rows = split.swapaxes(2, 3)
    return rows.reshape(batch, height * stride, width * stride, channels)
