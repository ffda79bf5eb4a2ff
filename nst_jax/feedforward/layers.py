"""What image transformation networks are made of, as pure functions of NHWC arrays."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from nst_jax.devices import suited
from nst_jax.networks import winograd

_NHWC = ("NHWC", "HWIO", "NHWC")
_FEW = 4  # Channels of a picture, as against features.
_FOLD = 4  # Pixels a side that are folded into channels.
_WIDE = 32  # Channels from which on XLA is quick at a convolution to few.


def convolve(
    images: jax.Array,
    kernel: jax.Array,
    *,
    stride: int = 1,
    padding: str = "reflect",
    extents: jax.Array | None = None,
) -> jax.Array:
    """A convolution that keeps the size, or divides it by the stride, rounded up.

    Args:
      images: `[b, h, w, i]`, height and width more than half of the kernel's.
      kernel: `[k, k, i, o]`, k odd; with fewer inputs than the images have, the
        channels are in groups.
      stride: down and across.
      padding: "reflect", half a kernel's width around; "zero", as TensorFlow's SAME,
        which at stride 2 pads less above and left; "edge", the border repeated.
      extents: `[b, 2]`, heights and widths of pictures in the top left corners, which
        are padded at their own borders; None: they fill their frame. With zeros they
        have to be none: pictures have zeros around them.

    Returns:
      `[b, h', w', o]`.
    """
    if padding == "zero":
        return _convolved(images, kernel, stride, "SAME")
    padded = extended(images, kernel.shape[0] // 2, padding, extents)
    return _convolved(padded, kernel, stride, "VALID")


def convolve_enlarged(
    images: jax.Array,
    kernel: jax.Array,
    *,
    padding: str = "reflect",
    extents: jax.Array | None = None,
) -> jax.Array:
    """Each pixel made 2x2 of its kind, then a 3x3 convolution (Odena et al. 2016).

    Of the enlarged picture each pixel sees two different ones a side at most, so that
    it takes 2x2 kernels on the small picture, one for each of the four places: 2.25
    times fewer multiplications. To reflect the enlarged picture at its border is to
    repeat the border of the small one.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[3, 3, i, o]`.
      padding: of the enlarged picture, as in `convolve`.
      extents: likewise, of the small ones.

    Returns:
      `[b, 2 * h, 2 * w, o]`.
    """
    if padding == "zero":
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    else:
        padded = extended(images, 1, "edge", extents)
    height, width = images.shape[1:3]
    rows = _halves(kernel)
    whole = kernel.shape[2] == images.shape[-1]  # Not in groups.
    if whole and suited.few_large_passes():
        return _enlarged_at_once(padded, rows)
    found = [
        [
            _convolved(
                padded[:, down : down + height + 1, right : right + width + 1],
                small,
                1,
                "VALID",
            )
            for right, small in enumerate(_halves(row, axis=1))
        ]
        for down, row in enumerate(rows)
    ]
    return _interleaved(found)


def _enlarged_at_once(padded: jax.Array, rows: Sequence[jax.Array]) -> jax.Array:
    """All four places by one convolution: more zeros, and fewer passes."""
    parts = [
        jnp.pad(small, ((down, 1 - down), (right, 1 - right), (0, 0), (0, 0)))
        for down, row in enumerate(rows)
        for right, small in enumerate(_halves(row, axis=1))
    ]
    found = _convolved(padded, jnp.concatenate(parts, axis=-1), 1, "VALID")
    return _unfolded(found, 2)


def _halves(kernel: jax.Array, axis: int = 0) -> tuple[jax.Array, jax.Array]:
    """Kernels of width 2 for the even and the odd pixels of an enlarged axis."""
    first, middle, last = (lax.index_in_dim(kernel, n, axis) for n in range(3))
    return (
        jnp.concatenate([first, middle + last], axis),
        jnp.concatenate([first + middle, last], axis),
    )


def convolve_transposed(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """TensorFlow's `conv2d_transpose`, 3x3, stride 2, SAME: twice the size.

    Of networks that others trained; it leaves checkerboards (Odena et al. 2016). Done
    as convolutions of the small picture: XLA's own, of a picture with holes, is slow.

    Args:
      images: `[b, h, w, i]`.
      kernel: `[3, 3, i, o]`.

    Returns:
      `[b, 2 * h, 2 * w, o]`.
    """
    # Pixel 2n sees n by the kernel's 0, n - 1 by its 2; pixel 2n + 1 n by its 1.
    padded = jnp.pad(images, ((0, 0), (1, 0), (1, 0), (0, 0)))
    found = [
        [
            _convolved(padded[:, down:, right:], small, 1, "VALID")
            for right, small in enumerate((row[:, ::-2], row[:, 1:2]))
        ]
        for down, row in enumerate((kernel[::-2], kernel[1:2]))
    ]
    return _interleaved(found)


def _interleaved(parts: list[list[jax.Array]]) -> jax.Array:
    """Four pictures, by their place in each 2x2 pixels, as one of twice the size."""
    rows = [jnp.stack(row, axis=3) for row in parts]  # [b, h, w, 2, c]
    whole = jnp.stack(rows, axis=2)  # [b, h, 2, w, 2, c]
    batch, height, _, width, _, channels = whole.shape
    return whole.reshape(batch, 2 * height, 2 * width, channels)


def extended(
    images: jax.Array, around: int, mode: str, extents: jax.Array | None = None
) -> jax.Array:
    """Pictures with more pixels around, `[b, h, w, c]` -> `[b, h', w', c]`.

    Args:
      images: with more pixels a side than `around`.
      around: how many on each side.
      mode: "reflect" or "edge", as in `jnp.pad`.
      extents: `[b, 2]`, heights and widths; what is beyond `around` pixels means
        nothing. None: pictures fill their frame.
    """
    if extents is None:
        at_once = _known(images) and suited.few_large_passes()
        pad = _gathered if at_once else _extended
        return pad(images, around, mode)
    places = _places(images.shape[1:3], around, mode, extents)
    return jax.vmap(lambda one, at: one[at[0][:, None], at[1]])(images, places)


def _extended(images: jax.Array, around: int, mode: str) -> jax.Array:
    widths = ((0, 0), (around, around), (around, around), (0, 0))
    return jnp.pad(images, widths, mode)


def _places(
    shape: Sequence[int], around: int, mode: str, extents: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Rows `[b, h']` and columns `[b, w']` that extended pictures are made of."""
    found = []
    for axis in (0, 1):
        last = extents[:, axis, None] - 1
        place = jnp.arange(-around, shape[axis] + around)[None]
        if mode == "reflect":
            place = last - abs(last - abs(place))
        found.append(jnp.clip(place, 0, last))
    return found[0], found[1]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _gathered(images: jax.Array, around: int, mode: str) -> jax.Array:
    """`_extended` in one pass: XLA's own has one for each axis, of concatenations."""
    shape = images.shape[1:3]
    rows, columns = _places(shape, around, mode, jnp.array([shape]))
    return images[:, rows[0][:, None], columns[0]]


def _gathered_forward(
    images: jax.Array, around: int, mode: str
) -> tuple[jax.Array, jax.Array]:
    return _gathered(images, around, mode), images[..., :0]


def _gathered_backward(
    around: int, mode: str, shaped: jax.Array, cotangent: jax.Array
) -> tuple[jax.Array]:
    """That of `_extended`: a gather's own is a scatter."""
    like = jax.ShapeDtypeStruct(
        (*shaped.shape[:3], cotangent.shape[3]), cotangent.dtype
    )
    pad = functools.partial(_extended, around=around, mode=mode)
    (found,) = jax.linear_transpose(pad, like)(cotangent)
    return (found,)


_gathered.defvjp(_gathered_forward, _gathered_backward)


def _convolved(
    images: jax.Array, kernel: jax.Array, stride: int, padding: str
) -> jax.Array:
    if padding == "VALID" and _known(images):
        whole = kernel.shape[2] == images.shape[-1]  # Not in groups.
        few = whole and min(kernel.shape[2:]) <= _FEW < kernel.shape[0]
        if few and stride == 1 and suited.folded_pixels():
            return _folded_convolution(images, kernel)
        if suited.padded_convolutions():
            return _unpadded_on_cpu(images, kernel, stride)
    return _plain(images, kernel, stride, padding)


def _known(images: jax.Array) -> bool:
    """Whether its sizes are numbers, as they aren't in an export."""
    return all(isinstance(size, int) for size in images.shape)


def _plain(
    images: jax.Array, kernel: jax.Array, stride: int, padding: Any
) -> jax.Array:
    return lax.conv_general_dilated(
        images,
        kernel,
        (stride, stride),
        padding,
        dimension_numbers=_NHWC,
        feature_group_count=images.shape[-1] // kernel.shape[2],
    )


def _folded_convolution(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """A large kernel from or to few channels, of blocks of 4x4 pixels as channels.

    The same sums, where a matrix unit that wants 16 channels or more would wait for a
    picture's three. An output block of a kernel of k sees k + 3 pixels each way.
    """
    sizes = kernel.shape[:2]
    height, width = (images.shape[1 + axis] - sizes[axis] + 1 for axis in (0, 1))
    blocks = [-(-(size + _FOLD - 1) // _FOLD) for size in sizes]
    reach = [_FOLD * count for count in blocks]
    parts = []
    for ahead in itertools.product(range(_FOLD), repeat=2):
        margins = [(ahead[n], reach[n] - ahead[n] - sizes[n]) for n in (0, 1)]
        parts.append(jnp.pad(kernel, (*margins, (0, 0), (0, 0))))
    joined = jnp.concatenate(parts, axis=-1)  # [rows, columns, i, 16 * o]
    large = _folded(joined.reshape(1, *reach, -1))[0]
    large = large.reshape(*blocks, -1, joined.shape[-1])
    rows, columns = -(-height // _FOLD), -(-width // _FOLD)
    below = _FOLD * (rows + blocks[0] - 1) - images.shape[1]
    right = _FOLD * (columns + blocks[1] - 1) - images.shape[2]
    whole = jnp.pad(images, ((0, 0), (0, below), (0, right), (0, 0)))
    found = _plain(_folded(whole), large, 1, "VALID")
    return _unfolded(found, _FOLD)[:, :height, :width]


def _folded(images: jax.Array) -> jax.Array:
    """Blocks of 4x4 pixels as channels: `[b, 4 h, 4 w, c]` -> `[b, h, w, 16 c]`."""
    batch, height, width, channels = images.shape
    rows, columns = height // _FOLD, width // _FOLD
    split = images.reshape(batch, rows, _FOLD, columns, _FOLD, channels)
    return split.swapaxes(2, 3).reshape(batch, rows, columns, -1)


def _unfolded(images: jax.Array, side: int) -> jax.Array:
    """Channels as blocks of pixels: `[b, h, w, n n c]` -> `[b, n h, n w, c]`.

    What is added later isn't drawn into the convolution before: XLA would have it write
    all of that for cuDNN.
    """
    images = lax.optimization_barrier(images)
    batch, rows, columns, _ = images.shape
    split = images.reshape(batch, rows, columns, side, side, -1).swapaxes(2, 3)
    return split.reshape(batch, side * rows, side * columns, -1)


def _unpadded_on_cpu(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """A convolution without padding, as CPUs are quick at it.

    XLA's takes 1.5 to 25 times longer, forward and for the kernel's gradient, than one
    padded by a row of zeros (jax 0.10.2; bench/results/cpu_layers.json): so there is
    one, and the row that comes of it is cut off. Large kernels between features and
    pictures of few channels have ways of their own, and so have 3x3 ones of many.
    """
    rows, columns, inputs, outputs = kernel.shape
    if stride != 1 or inputs != images.shape[-1]:
        return _padded(images, kernel, stride)
    wide = kernel.dtype == jnp.float32 and winograd.pays_off(images.shape, outputs)
    if (rows, columns) == (3, 3) and wide:
        return _by_winograd(images, kernel)
    if inputs <= _FEW < rows:
        return _padded(_columns(images, rows), _of_columns(kernel), 1)
    if outputs <= _FEW < rows:
        return _to_few(images, kernel)
    return _padded(images, kernel, stride)


@jax.custom_vjp
def _by_winograd(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return winograd.convolve_padded(images, winograd.transform(kernel), around=0)


def _by_winograd_forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _by_winograd(images, kernel), (images, kernel)


def _by_winograd_backward(
    given: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    images, kernel = given
    back = winograd.transform(kernel[::-1, ::-1].swapaxes(2, 3))
    _, of_kernel = jax.vjp(lambda kernel: _padded(images, kernel, 1), kernel)
    return (
        winograd.convolve_padded(cotangent, back, around=2),
        *of_kernel(cotangent),
    )


_by_winograd.defvjp(_by_winograd_forward, _by_winograd_backward)


def _padded(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    height = (images.shape[1] - kernel.shape[0]) // stride + 1
    return _plain(images, kernel, stride, ((0, stride), (0, 0)))[:, :height]


def _columns(images: jax.Array, rows: int) -> jax.Array:
    """The pixels under a column of a kernel as channels, `[b, h', w, rows * i]`."""
    height = images.shape[1] - rows + 1
    below = [images[:, row : row + height] for row in range(rows)]
    return jnp.concatenate(below, axis=-1)


def _of_columns(kernel: jax.Array) -> jax.Array:
    """A kernel `[k, l, i, o]` for `_columns`, `[1, l, k * i, o]`."""
    _, columns, _, outputs = kernel.shape
    return kernel.swapaxes(0, 1).reshape(1, columns, -1, outputs)


@jax.custom_vjp
def _to_few(images: jax.Array, kernel: jax.Array) -> jax.Array:
    """A convolution of features to a picture's few channels."""
    rows, columns, inputs, outputs = kernel.shape
    if inputs >= _WIDE:
        return _padded(images, kernel, 1)
    # What each column of the kernel makes, side by side, and then their sum.
    apart = kernel.swapaxes(1, 2).reshape(rows, 1, inputs, -1)
    parts = _padded(images, apart, 1)
    width = images.shape[2] - columns + 1
    return functools.reduce(
        jnp.add,
        (
            parts[:, :, n : n + width, n * outputs : (n + 1) * outputs]
            for n in range(columns)
        ),
    )


def _to_few_forward(
    images: jax.Array, kernel: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _to_few(images, kernel), (images, kernel)


def _to_few_backward(
    given: tuple[jax.Array, jax.Array], cotangent: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The kernel's gradient is that of the opposite convolution, flipped.

    That one goes from the few channels of the cotangent, with zeros around, to images.
    """
    images, kernel = given
    rows, columns, inputs, outputs = kernel.shape
    _, back = jax.vjp(lambda images: _padded(images, kernel, 1), images)
    around = ((0, 0), (rows - 1,) * 2, (columns - 1,) * 2, (0, 0))
    few = _columns(jnp.pad(cotangent, around), rows)
    opposite = jnp.zeros((1, columns, few.shape[-1], inputs), kernel.dtype)
    _, of_kernel = jax.vjp(lambda kernel: _padded(few, kernel, 1), opposite)
    found = of_kernel(images)[0].reshape(columns, rows, outputs, inputs)
    return *back(cotangent), found.transpose(1, 0, 3, 2)[::-1, ::-1]


_to_few.defvjp(_to_few_forward, _to_few_backward)


def moments(images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and variance of each channel, `[b, c]` float32 (Ulyanov et al. 2016).

    Args:
      images: `[b, h, w, c]`.
    """
    values = images.astype(jnp.float32)
    return jnp.mean(values, (1, 2)), jnp.var(values, (1, 2))


def normalize(
    images: jax.Array,
    statistics: tuple[jax.Array, jax.Array],
    scale: jax.Array,
    offset: jax.Array,
    epsilon: float,
) -> jax.Array:
    """`scale * (images - mean) / sqrt(variance + epsilon) + offset`, by channel.

    Args:
      images: `[b, h, w, c]`.
      statistics: mean and variance, `[b, c]`.
      scale: `[c]` or `[b, c]`.
      offset: likewise.
      epsilon: above 0.
    """
    mean, variance = statistics
    factor = scale * lax.rsqrt(variance + epsilon)
    added = offset - factor * mean
    whole = images * factor[:, None, None].astype(images.dtype)
    return whole + added[:, None, None].astype(images.dtype)
