"""Wind over the wheat: an impasto night sky of eddies, in the manner of Van Gogh."""

import numpy as np
from fields import (
    Array,
    along_contours,
    mix,
    noise,
    pigments,
    ramp,
    rotated,
    unit_grid,
)
from strokes import Brush, Canvas, ColorAt, paint_layer

_SKY = pigments("0a1540", "12296f", "1d4ba3", "2f7ac2", "5fb0d0", "b9dcc9", "f0ecb8")
_GLOW = pigments("2c7fb8", "7fc0a8", "e8d96a", "fbc834", "fff3b0")
_MOUNTAIN = pigments("141a4a", "2c2f86", "5a4fb0", "9a82cc", "e3b7c4")
_HILL = pigments("0c2b2c", "14504a", "2b7a4b", "6da544", "c3c552")
_WHEAT = pigments("6b2f12", "b3591a", "dd8a1e", "f2b632", "fbe08a")
_CYPRESS = pigments("04120f", "0b2a22", "134536", "2f6a3a", "7a8a2f")
_POPPY = pigments("b01018", "dc2018", "f43c1e", "ff7a3a")
# Eddies (x, y, radius, spin) and lights (x, y, radius), in heights.
_EDDIES = (
    (0.50, 0.25, 0.17, 1.0),
    (0.74, 0.37, 0.11, -1.0),
    (0.22, 0.42, 0.09, -0.8),
)
_LIGHTS = (
    (1.05, 0.17, 0.125),
    (0.74, 0.10, 0.050),
    (0.27, 0.10, 0.055),
    (0.90, 0.42, 0.040),
    (0.40, 0.47, 0.036),
    (1.17, 0.43, 0.034),
    (0.08, 0.27, 0.042),
)


def paint_swirls(rng: np.random.Generator, height: int, width: int) -> Array:
    """Paints stars, eddies, mountains, wheat and a cypress; [h, w, 3] in [0, 1]."""
    x, y = unit_grid(height, width)
    ground = np.where((y < 0.75)[..., None], _SKY[1], _WHEAT[0])
    canvas = Canvas.primed(height, width, ground)

    def bumps(cell: float) -> Array:
        return noise(rng, height, width, cell)

    _paint_sky(rng, canvas, x, y, bumps(0.2))
    _paint_mountains(rng, canvas, x, y, bumps(0.1))
    hill = 0.69 + 0.035 * np.sin(4.2 * x + 2.2) + 0.02 * np.sin(9 * x)
    field = 0.80 - 0.06 * np.sin(2.6 * x + 0.4)
    depth = y - hill
    stream = depth - 0.022 * np.sin(14 * x + 24 * depth)
    tone = 0.60 - 2.0 * depth + 0.26 * np.sin(2 * np.pi * stream / 0.05)
    flow = along_contours(stream)
    tone = tone + 0.1 * bumps(0.08)
    _paint_region(rng, canvas, depth > 0, flow, _HILL, tone, (0.020, 0.012))
    _paint_wheat(rng, canvas, x, y, y - field, bumps(0.1))
    _paint_cypress(rng, canvas, x, y, bumps(0.1))
    return canvas.lit(0.55, 0.30)


def _broken(
    rng: np.random.Generator, palette: Array, tone: Array, spread: float = 0.13
) -> ColorAt:
    # Broken colour: each stroke's tone strays from its place's along the palette.
    def color_at(rows: Array, cols: Array) -> Array:
        stray = spread * rng.standard_normal(len(rows))
        tint = 0.025 * rng.standard_normal((len(rows), 3))
        return np.clip(ramp(palette, tone[rows, cols] + stray) + tint, 0, 1)

    return color_at


def _paint_region(
    rng: np.random.Generator,
    canvas: Canvas,
    where: Array,
    flow: Array,
    palette: Array,
    tone: Array,
    sizes: tuple[float, ...],
    length: float = 4.5,
) -> None:
    for order, size in enumerate(sizes):
        brush = Brush(size, length * size, 2.2 if order == 0 else 1.1, 0.6)
        paint_layer(rng, canvas, brush, flow, _broken(rng, palette, tone), where=where)


def _paint_sky(
    rng: np.random.Generator, canvas: Canvas, x: Array, y: Array, bumps: Array
) -> None:
    stream = y + 0.035 * np.sin(5.5 * x + 4 * y) + 0.006 * bumps
    inward = np.zeros_like(x)
    for cx, cy, radius, spin in _EDDIES:
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
        stream = stream + 2.1 * spin * radius * near
        inward += 0.35 * spin * near
    glow = np.zeros_like(x)
    for cx, cy, radius in _LIGHTS:
        away = np.hypot(x - cx, y - cy) / radius
        stream = stream + 3.0 * radius * np.exp(-(away**2) / 2)
        glow = np.maximum(glow, np.exp(-((away / 1.25) ** 2)))
    flow = rotated(along_contours(stream), inward)
    bands = np.sin(2 * np.pi * stream / 0.085)
    tone = 0.36 + 0.20 * bands + 0.16 * (y - 0.3) + 0.08 * bumps
    for cx, cy, radius, _ in _EDDIES:
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
        tone = tone + near * (0.12 + 0.22 * bands)
    halo = 0.5 + 0.5 * np.cos(2 * np.pi * stream / 0.055)

    def color_at(rows: Array, cols: Array) -> Array:
        sky = _broken(rng, _SKY, tone)(rows, cols)
        here = glow[rows, cols]
        lit = here + 0.14 * halo[rows, cols] + 0.07 * rng.standard_normal(len(rows))
        color = mix(sky, ramp(_GLOW, lit), np.clip(3.2 * here - 0.65, 0, 1))
        accent = (rng.random(len(rows)) < 0.05) & (here < 0.2)
        violet = pigments("5b4aa8", "e6a24a", "8fd0c0")
        color[accent] = violet[rng.integers(3, size=accent.sum())]
        return color

    sky = y < 0.68
    canvas.color[:] = mix(canvas.color, _GLOW[3], np.clip(3.2 * glow - 0.65, 0, 1))
    for size, length, cover in (
        (0.034, 0.15, 1.8),
        (0.021, 0.10, 1.6),
        (0.013, 0.065, 0.7),
    ):
        brush = Brush(size, length, cover, 0.65, body=1.1)
        paint_layer(rng, canvas, brush, flow, color_at, where=sky)
    detail = Brush(0.012, 0.035, 2.0, 0.6, body=1.5)
    paint_layer(rng, canvas, detail, flow, color_at, where=sky * (glow > 0.3))


def _paint_mountains(
    rng: np.random.Generator, canvas: Canvas, x: Array, y: Array, bumps: Array
) -> None:
    # Painted from the far peak to the near one; each has a lit and a shadowed face.
    for px, py, steep in (
        (0.58, 0.555, 0.42),
        (0.88, 0.485, 0.62),
        (1.18, 0.545, 0.5),
        (0.36, 0.575, 0.4),
        (1.02, 0.60, 0.35),
    ):
        away = x - px - 0.012 * bumps - 0.10 * (y - py)
        where = y > py + steep * np.abs(away) - 0.05 * away**2
        side = np.tanh(away / 0.012)
        lean = np.pi / 2 - side * (0.75 - 0.4 * np.exp(-np.abs(away) / 0.05))
        flow = np.stack([np.cos(lean), np.sin(lean)], -1).astype(np.float32)
        tone = 0.52 + 0.34 * side + 0.08 * bumps - 0.8 * (y - py)
        _paint_region(rng, canvas, where, flow, _MOUNTAIN, tone, (0.019, 0.012), 4.0)


def _paint_wheat(
    rng: np.random.Generator,
    canvas: Canvas,
    x: Array,
    y: Array,
    depth: Array,
    bumps: Array,
) -> None:
    gust = 0.9 * np.sin(7 * x + 6 * y) + 0.35 * bumps
    angle = -np.pi / 2 + 0.45 * gust + 0.5 * (x - 0.6)
    flow = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
    rows = np.sin(2 * np.pi * (depth + 0.02 * np.sin(9 * x)) / 0.075)
    tone = 0.50 + 0.20 * rows + 0.13 * bumps - 0.9 * (depth - 0.1)
    where = depth > 0
    _paint_region(rng, canvas, where, flow, _WHEAT, tone, (0.020, 0.013), 5.0)
    shadows = Brush(0.009, 0.06, 0.35, 0.4)
    blue = _broken(
        rng, pigments("1d2f6f", "2f5f8f", "2b7a4b", "8a3a14"), 0.5 + 0 * x, 0.4
    )
    paint_layer(rng, canvas, shadows, flow, blue, where=where)
    ears = Brush(0.0085, 0.028, 0.45, 0.4, body=1.8)
    bright = _broken(rng, _WHEAT, tone + 0.35)
    paint_layer(rng, canvas, ears, flow, bright, where=where)
    drift = np.clip(np.sin(8 * x + 14 * depth) + 0.9 * bumps - 0.35, 0, 1)
    poppies = Brush(0.018, 0.018, 1.1, 0.35, body=1.6)
    red = _broken(rng, _POPPY, 0.5 + 0 * x, 0.3)
    paint_layer(rng, canvas, poppies, flow, red, where=drift * (depth > 0.05) * 0.5)


def _paint_cypress(
    rng: np.random.Generator, canvas: Canvas, x: Array, y: Array, bumps: Array
) -> None:
    for foot, tip, broad in ((0.270, 0.50, 0.042), (0.165, 0.13, 0.075)):
        rise = np.clip((0.95 - y) / (0.95 - tip), 0, 1)
        spine = foot + 0.016 * np.sin(8 * rise + 40 * foot) * rise
        girth = broad * (1 - rise) ** 0.75 * (0.55 + 1.1 * rise)
        girth = girth * (1 + 0.10 * bumps)
        across = (x - spine) / (girth + 1e-3)
        where = (np.abs(across) < 1) & (y > tip + 0.03) & (y < 0.95)
        lean = 0.42 * np.sin(20 * y + 2.5 * np.abs(across) + bumps) + 0.3 * across
        lean = lean * np.clip(2.5 * (1 - rise), 0.1, 1)
        angle = -np.pi / 2 + lean
        flow = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
        flames = np.sin(26 * y + 7 * np.abs(across) + 2 * bumps)
        tone = 0.36 + 0.20 * across + 0.28 * flames
        _paint_region(rng, canvas, where, flow, _CYPRESS, tone, (0.017, 0.010), 4.5)
