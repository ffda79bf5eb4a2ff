"""Layers in float64 by plain loops: `[h, w, c]` -> `[h', w', c]`, an image alone."""

import math

import numpy as np


def window_count(length, size, stride, padding, ceil):
    """As Caffe's and PyTorch's documentation have it; none is possible."""
    if not ceil:
        return max(math.floor((length + 2 * padding - size) / stride) + 1, 0)
    count = math.ceil((length + 2 * padding - size) / stride) + 1
    # The last one must start ahead of the end.
    while count > 0 and (count - 1) * stride - padding >= length:
        count -= 1
    return max(count, 0)


def windows(image, size, stride, padding, ceil):
    """`(row, column, slice down, slice across, covered)` of each window.

    The slices are of the image itself; `covered` counts the padding with them.
    """
    height, width = image.shape[:2]
    for y in range(window_count(height, size, stride, padding, ceil)):
        for x in range(window_count(width, size, stride, padding, ceil)):
            top, left = y * stride - padding, x * stride - padding
            bottom = min(top + size, height + padding)
            right = min(left + size, width + padding)
            covered = (bottom - top) * (right - left)
            yield (
                y,
                x,
                slice(max(top, 0), min(bottom, height)),
                slice(max(left, 0), min(right, width)),
                covered,
            )


def pool(image, size, stride, padding=0, ceil=False, *, kind="max"):
    image = np.float64(image)
    shape = [window_count(n, size, stride, padding, ceil) for n in image.shape[:2]]
    pooled = np.zeros((*shape, image.shape[2]))
    for y, x, down, across, covered in windows(image, size, stride, padding, ceil):
        pixels = image[down, across]
        if kind == "max":
            pooled[y, x] = pixels.max((0, 1))
        else:
            pooled[y, x] = pixels.sum((0, 1)) / covered
    return pooled


def pool_gradient(image, cotangent, size, stride, padding=0, ceil=False, *, kind="max"):
    gradient = np.zeros(image.shape)
    for y, x, down, across, covered in windows(image, size, stride, padding, ceil):
        pixels, slopes = image[down, across], gradient[down, across]
        for c in range(image.shape[2]):
            if kind == "max":
                # argmax gives the first of equals.
                first = np.unravel_index(np.argmax(pixels[..., c]), pixels.shape[:2])
                slopes[(*first, c)] += cotangent[y, x, c]
            else:
                slopes[..., c] += cotangent[y, x, c] / covered
    return gradient


def convolve(image, kernel, bias=0.0, *, stride=1, padding=0, groups=1):
    image, kernel = np.float64(image), np.float64(kernel)
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    height, width, inputs, outputs = kernel.shape
    rows = range(0, padded.shape[0] - height + 1, stride)
    columns = range(0, padded.shape[1] - width + 1, stride)
    result = np.zeros((len(rows), len(columns), outputs))
    share = outputs // groups
    for group in range(groups):
        mine = slice(group * share, (group + 1) * share)
        seen = padded[..., group * inputs : (group + 1) * inputs]
        for y, top in enumerate(rows):
            for x, left in enumerate(columns):
                window = seen[top : top + height, left : left + width]
                result[y, x, mine] = np.tensordot(window, kernel[..., mine], 3)
    return result + bias


def convolve_gradient(
    shape, cotangent, kernel, *, stride=1, padding=0, groups=1
) -> np.ndarray:
    """The adjoint of `convolve`: each output spread over its window."""
    cotangent, kernel = np.float64(cotangent), np.float64(kernel)
    height, width, inputs, outputs = kernel.shape
    padded = np.zeros((shape[0] + 2 * padding, shape[1] + 2 * padding, shape[2]))
    share = outputs // groups
    for group in range(groups):
        mine = slice(group * share, (group + 1) * share)
        seen = padded[..., group * inputs : (group + 1) * inputs]
        for y, x in np.ndindex(cotangent.shape[:2]):
            top, left = y * stride, x * stride
            seen[top : top + height, left : left + width] += (
                kernel[..., mine] @ cotangent[y, x, mine]
            )
    return padded[padding : padding + shape[0], padding : padding + shape[1]]


def local_response_norm(image, size=5, alpha=1e-4, beta=0.75, k=1.0):
    image = np.float64(image)
    result = np.zeros(image.shape)
    for c in range(image.shape[2]):
        around = image[..., max(c - (size - 1) // 2, 0) : c + size // 2 + 1]
        total = k + alpha / size * (around**2).sum(-1)
        result[..., c] = image[..., c] / total**beta
    return result
