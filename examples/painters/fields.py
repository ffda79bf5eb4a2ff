"""Scalar fields, colour ramps and filters that every painter shares.

Lengths are fractions of the picture's height, so that a seed gives the same
composition at every size.
"""

import numpy as np
from PIL import Image

Array = np.ndarray


def unit_grid(height: int, width: int) -> tuple[Array, Array]:
    """Coordinates (x, y) of the pixel centres, each [h, w].

    y runs to 1 and x to 1.25: the pictures are composed for 5:4 and stretched to
    other shapes.
    """
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    return 1.25 * (cols + 0.5) / width, (rows + 0.5) / height


def resize(field: Array, height: int, width: int) -> Array:
    """Resizes one [h, w] float field with Pillow's bicubic filter."""
    image = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float,
    *,
    octaves: int = 3,
    stretch: float = 1.0,
) -> Array:
    """Smooth value noise [h, w] of unit variance, with features of size `cell`.

    `stretch` above 1 makes the features that much longer along x.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = cell / 2**octave
        rows = max(2, round(1 / size)) + 1
        cols = max(2, round(width / height / size / stretch)) + 1
        knots = rng.standard_normal((rows, cols)).astype(np.float32)
        total += resize(knots, height, width) / 2**octave
    total -= total.mean()
    return total / (total.std() + 1e-6)


def blur(field: Array, sigma: float) -> Array:
    """Gaussian blur of [h, w] or [h, w, c]; `sigma` in pixels; mirrored borders."""
    if field.ndim == 3:
        return np.stack([blur(plane, sigma) for plane in np.moveaxis(field, 2, 0)], 2)
    pad = [(min(size - 1, int(3 * sigma) + 1),) * 2 for size in field.shape]
    padded = np.pad(field, pad, mode="reflect")
    rows = np.fft.fftfreq(padded.shape[0])[:, None]
    cols = np.fft.rfftfreq(padded.shape[1])[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + cols**2))
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * transfer, padded.shape)
    (top, _), (left, _) = pad
    inside = smooth[top : top + field.shape[0], left : left + field.shape[1]]
    return inside.astype(np.float32)


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Hermite step from 0 at `low` to 1 at `high`, which may be the smaller one."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def pigments(*names: str) -> Array:
    """Colours [n, 3] in [0, 1] from hexadecimal names such as "1b3a6b"."""
    return np.array([list(bytes.fromhex(name)) for name in names], np.float32) / 255


def ramp(palette: Array, tone: Array) -> Array:
    """Colours [..., 3] where `tone` [...] in [0, 1] runs along `palette` [n, 3]."""
    place = np.clip(tone, 0, 1) * (len(palette) - 1)
    low = np.minimum(place.astype(int), len(palette) - 2)
    part = (place - low)[..., None].astype(np.float32)
    return palette[low] * (1 - part) + palette[low + 1] * part


def mix(first: Array, second: Array, share: Array) -> Array:
    """Blends two colours or images; `share` [...] of `second`, last axis added."""
    return first + (second - first) * np.asarray(share, np.float32)[..., None]


def along_contours(stream: Array) -> Array:
    """Unit flow [h, w, 2] as (dx, dy) along the contour lines of `stream` [h, w]."""
    down, right = np.gradient(stream)
    flow = np.stack([down, -right], -1)
    return flow / (np.linalg.norm(flow, axis=-1, keepdims=True) + 1e-9)


def rotated(flow: Array, angle: Array | float) -> Array:
    """Turns a flow [h, w, 2] by `angle` radians, [h, w] or one number."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = flow[..., 0], flow[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], -1).astype(np.float32)


def borders(labels: Array) -> Array:
    """Mask [h, w] of the pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    edge[:-1] |= labels[1:] != labels[:-1]
    return edge


def distance_to(mask: Array) -> Array:
    """Distance [h, w] in pixels to the nearest True pixel, by jump flooding.

    Rong and Tan, "Jump flooding in GPU with applications to Voronoi diagram and
    distance transform", 2006. Exact but for a few pixels off by a fraction.
    """
    height, width = mask.shape
    rows, cols = np.mgrid[0:height, 0:width]
    near_row = np.where(mask, rows, -(10**4))
    near_col = np.where(mask, cols, -(10**4))
    best = (rows - near_row) ** 2 + (cols - near_col) ** 2
    step = 1 << (max(height, width) - 1).bit_length() - 1
    while step:
        for dr in (-step, 0, step):
            for dc in (-step, 0, step):
                r = np.clip(rows + dr, 0, height - 1)
                c = np.clip(cols + dc, 0, width - 1)
                row, col = near_row[r, c], near_col[r, c]
                found = (rows - row) ** 2 + (cols - col) ** 2
                closer = found < best
                near_row = np.where(closer, row, near_row)
                near_col = np.where(closer, col, near_col)
                best = np.where(closer, found, best)
        step //= 2
    return np.sqrt(best).astype(np.float32)
