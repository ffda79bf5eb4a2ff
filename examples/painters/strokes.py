"""Brush strokes: curved, tapered, bristled, with a thickness that catches light."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from fields import Array, blur, smoothstep

# Gives the colours [n, 3] of n strokes from their rows and columns, each [n].
ColorAt = Callable[[Array, Array], Array]

_TABLES, _ACROSS, _ALONG = 48, 24, 12


@dataclass(frozen=True)
class Brush:
    """A layer's brush: width and length in heights of the picture.

    `coverage` is how many times the strokes' area covers the region, `bristle`
    the strength of the hair marks, `opacity` the paint's, `body` its thickness.
    """

    width: float
    length: float
    coverage: float = 1.5
    bristle: float = 0.5
    opacity: float = 0.95
    body: float = 1.0


@dataclass
class Canvas:
    """Paint on cloth: `color` [h, w, 3] in [0, 1] and `relief` [h, w], its height."""

    color: Array
    relief: Array

    @classmethod
    def primed(cls, height: int, width: int, ground: Array) -> "Canvas":
        """A flat canvas in one ground colour [3] or image [h, w, 3]."""
        color = np.broadcast_to(ground, (height, width, 3)).astype(np.float32)
        return cls(color.copy(), np.zeros((height, width), np.float32))

    def lit(self, strength: float = 0.5, gloss: float = 0.25) -> Array:
        """The picture [h, w, 3] under a lamp at the upper left."""
        scale = max(self.relief.shape) / 640
        down, right = np.gradient(blur(self.relief, 0.55 * max(scale, 0.4)))
        slope = -(right + down) * 0.7 * scale
        shade = 1 + strength * np.clip(slope, -0.75, 0.75)
        shine = gloss * smoothstep(0.25, 1.0, slope)
        lit = self.color * shade[..., None]
        return np.clip(lit + shine[..., None] * (1.05 - lit), 0, 1).astype(np.float32)


def paint_layer(
    rng: np.random.Generator,
    canvas: Canvas,
    brush: Brush,
    flow: Array,
    color_at: ColorAt,
    *,
    where: Array | None = None,
    planes: Array | None = None,
) -> None:
    """Covers `where` [h, w] (a mask or density in [0, 1]) with strokes along `flow`.

    The strokes' middles are spread at random, their order too. With `planes`, labels
    [h, w], each stroke stays inside the plane in which its middle lies.
    """
    height, width = canvas.relief.shape
    density = np.ones((height, width)) if where is None else where.astype(float)
    wide = max(2.0, brush.width * height)
    long = max(0.3 * wide, brush.length * height)
    count = int(brush.coverage * density.sum() / (wide * max(wide, long)) + 0.5)
    if not count:
        return
    places = rng.choice(density.size, count, p=density.ravel() / density.sum())
    rows, cols = np.divmod(places, width)
    colors = color_at(rows, cols)
    lengths = long * rng.uniform(0.6, 1.3, count)
    widths = wide * rng.uniform(0.65, 1.25, count)
    steps = int(np.clip(long / (1.2 * wide), 1, 9))
    paths = _trace(rng, flow, rows, cols, lengths, steps)
    tables = _bristles(rng)
    picks = rng.integers(_TABLES, size=count)
    for n, (row, col) in enumerate(zip(rows, cols, strict=True)):
        plane = None if planes is None else (planes, planes[row, col])
        _stroke(
            canvas, paths[n], 0.5 * widths[n], colors[n], tables[picks[n]], brush, plane
        )


def _bristles(rng: np.random.Generator) -> Array:
    # Hair marks [tables, across, along] in about [-1, 1]: long along the stroke.
    hairs = rng.standard_normal((_TABLES, _ACROSS, 1))
    flecks = rng.standard_normal((_TABLES, _ACROSS, _ALONG))
    flecks = (flecks + np.roll(flecks, 1, 2) + np.roll(flecks, 2, 2)) / 1.7
    return np.clip(0.6 * hairs + 0.4 * flecks, -1.5, 1.5).astype(np.float32)


def _trace(
    rng: np.random.Generator,
    flow: Array,
    rows: Array,
    cols: Array,
    lengths: Array,
    steps: int,
) -> Array:
    # Paths [n, steps + 1, 2] as (x, y): from each middle back, then forward, so
    # that a stroke sits on its place; half of them painted the other way round.
    height, width = flow.shape[:2]
    middle = np.stack([cols, rows], 1) + rng.uniform(0, 1, (len(rows), 2))

    def march(point: Array, count: int, sign: float) -> list[Array]:
        points = []
        for _ in range(count):
            c = np.clip(point[:, 0].astype(int), 0, width - 1)
            r = np.clip(point[:, 1].astype(int), 0, height - 1)
            point = point + sign * flow[r, c] * (lengths / steps)[:, None]
            points.append(point)
        return points

    if steps == 1:
        half = flow[rows, cols] * (0.5 * lengths)[:, None]
        paths = np.stack([middle - half, middle + half], 1)
    else:
        back = march(middle, steps // 2, -1.0)[::-1]
        paths = np.stack([*back, middle, *march(middle, steps - steps // 2, 1.0)], 1)
    flip = rng.random(len(rows)) < 0.35
    paths[flip] = paths[flip, ::-1]
    return paths.astype(np.float32)


def _along(path: Array, x: Array, y: Array) -> tuple[Array, Array, Array]:
    # A stroke's own coordinates from the nearest point of its path: u along it in
    # [0, 1], the distance from it in pixels, and the side, -1 or 1; each [h, w].
    start, step = path[:-1], np.diff(path, axis=0)
    dx, dy = step[:, 0, None, None], step[:, 1, None, None]
    rx, ry = x - start[:, 0, None, None], y - start[:, 1, None, None]
    t = np.clip((rx * dx + ry * dy) / (dx * dx + dy * dy + 1e-6), 0, 1)
    gap = (rx - t * dx) ** 2 + (ry - t * dy) ** 2
    nearest = gap.argmin(0)[None]
    u = (nearest + np.take_along_axis(t, nearest, 0))[0] / len(step)
    side = np.sign(np.take_along_axis(rx * dy - ry * dx, nearest, 0)[0])
    return u, np.sqrt(np.take_along_axis(gap, nearest, 0)[0]), side


def _stroke(
    canvas: Canvas,
    path: Array,
    half: float,
    color: Array,
    hairs: Array,
    brush: Brush,
    plane: tuple[Array, int] | None,
) -> None:
    height, width = canvas.relief.shape
    left, top = np.maximum(np.floor(path.min(0) - half).astype(int), 0)
    right, bottom = np.ceil(path.max(0) + half).astype(int) + 1
    right, bottom = min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right, dtype=np.float32)[None, None, :] + 0.5
    y = np.arange(top, bottom, dtype=np.float32)[None, :, None] + 0.5
    u, gap, side = _along(path, x, y)
    taper = 1 - 0.55 * u**3 if len(path) > 2 else 1.0
    v = gap / (half * taper)
    across = ((side * v * 0.5 + 0.5) * (_ACROSS - 1)).astype(int)
    hair = hairs[np.clip(across, 0, _ACROSS - 1), (u * (_ALONG - 1)).astype(int)]
    hair = hair * brush.bristle
    soft = min(0.9, 0.8 / half)
    alpha = np.clip((1 + soft * 0.5 - v) / soft, 0, 1)
    dry = np.clip(1.15 - 0.75 * u**2 + 0.8 * hair, 0, 1)
    alpha *= brush.opacity * dry
    body = brush.body * (1 - 0.5 * v * v + 0.5 * hair + 0.25 * (v > 0.72))
    body = body * min(half, 6.0) * 0.5
    spot = slice(top, bottom), slice(left, right)
    if plane is not None:
        alpha *= plane[0][spot] == plane[1]
    paint = color * (1 + 0.16 * hair[..., None])
    canvas.color[spot] += alpha[..., None] * (paint - canvas.color[spot])
    canvas.relief[spot] += alpha * (body - 0.55 * canvas.relief[spot])
