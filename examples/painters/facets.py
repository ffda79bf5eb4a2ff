"""Still life with a guitar: cubist facets, each plane with its own view and light."""

from collections.abc import Callable

import numpy as np
from fields import (
    Array,
    borders,
    distance_to,
    mix,
    noise,
    pigments,
    ramp,
    smoothstep,
    unit_grid,
)
from strokes import Brush, Canvas, paint_layer

_WALL = pigments("123c46", "1f6a70", "5a9f92", "c8b98a", "e8d9b0")
_CLOTH = pigments("5a1a14", "a83a1e", "d9772c", "efb35a", "f8e2b0")
_WOOD = pigments("3a1408", "8a3a10", "cf7a1e", "f0b040", "fbe2a0")
_DARK = pigments("0c0a14", "241a38", "4a3566")
_BOTTLE = pigments("06231e", "0f5a42", "3fa06a", "c8eaa0")
_FRUIT = pigments("7a0f1a", "d0321e", "f58a1e", "fbd84a")
_TINTS = pigments("0f5f78", "e0a040", "b8405a", "2a3a8a", "5fae9a", "e8cfa0", "7a4a9a")
_CUTS = 13


def paint_facets(rng: np.random.Generator, height: int, width: int) -> Array:
    """Paints guitar, bottle and fruit in broken planes; [h, w, 3] in [0, 1]."""
    x, y = unit_grid(height, width)
    facets, sides = _cut(rng, x, y)
    count = int(facets.max()) + 1
    area = np.bincount(facets.ravel(), minlength=count)
    cx = (np.bincount(facets.ravel(), x.ravel(), count) / area)[facets]
    cy = (np.bincount(facets.ravel(), y.ravel(), count) / area)[facets]
    # Every facet sees the table from somewhat elsewhere: shifted, turned, nearer.
    turn = (0.20 * rng.standard_normal(count))[facets]
    zoom = rng.uniform(0.80, 1.10, count)[facets]
    shift = 0.020 * rng.standard_normal((2, count))[:, facets]
    dx, dy = (x - cx) * zoom, (y - cy) * zoom
    seen_x = cx + np.cos(turn) * dx - np.sin(turn) * dy + shift[0]
    seen_y = cy + np.sin(turn) * dx + np.cos(turn) * dy + shift[1]
    scene, outline, things = _still_life(seen_x, seen_y)
    tint = _TINTS[rng.integers(len(_TINTS), size=count)[facets]]
    scene = mix(scene, tint, np.where(things == 0, 0.50, 0.10))
    # Each plane fades from one of its edges, to light or to dark.
    edge = rng.integers(_CUTS, size=count)[facets]
    away = np.abs(np.take_along_axis(sides, edge[None], 0)[0])
    deep = rng.choice([-0.85, -0.6, 0.45, 0.62], count)[facets]
    shade = deep * np.exp(-away / 0.10) - 0.12 * deep
    scene = mix(scene, pigments("120f2c")[0], np.clip(-shade, 0, 1))
    scene = mix(scene, pigments("fff3d2")[0], np.clip(shade, 0, 1))
    scene = np.clip(0.47 + 1.22 * (scene - 0.5), 0, 1)
    planes = facets * 64 + things
    return _brushed(rng, scene.astype(np.float32), facets, planes, outline)


def _cut(rng: np.random.Generator, x: Array, y: Array) -> tuple[Array, Array]:
    # Facet numbers [h, w] and the signed distances [cuts, h, w] to the cutting lines.
    angles = np.pi * (np.arange(_CUTS) + rng.uniform(0, 1, _CUTS)) / _CUTS
    px, py = rng.uniform(0.1, 1.15, _CUTS), rng.uniform(0.1, 0.9, _CUTS)
    sides = np.stack(
        [
            (x - a) * np.cos(t) + (y - b) * np.sin(t)
            for a, b, t in zip(px, py, angles, strict=True)
        ]
    ).astype(np.float32)
    # A line cuts only in a half of the picture, so that big planes remain.
    ends = rng.uniform(0, 2 * np.pi, _CUTS)
    code = np.zeros(x.shape, np.int64)
    for order in range(_CUTS):
        reach = (x - px[order]) * np.cos(ends[order]) + (y - py[order]) * np.sin(
            ends[order]
        )
        code += (1 << order) * ((sides[order] > 0) & (reach > -0.12))
    _, facets = np.unique(code, return_inverse=True)
    return facets.reshape(x.shape), sides


def _lay_guitar(lay: Callable[..., None], x: Array, y: Array) -> Array:
    # Lays the guitar's parts and returns where its strings run, a mask [h, w].
    # The guitar leans to the left: u along its neck, v across.
    u = ((x - 0.50) * 0.42 + (0.62 - y) * 0.91) / 1.22
    v = ((x - 0.50) * 0.91 - (0.62 - y) * 0.42) / 1.22
    lower = 0.205 - np.hypot(u + 0.09, v)
    upper = 0.155 - np.hypot(u - 0.13, v)
    waist = np.minimum(0.118 - np.abs(v), 0.13 - np.abs(u - 0.02))
    body = np.maximum(np.maximum(lower, upper), waist)
    grain = 0.10 * np.sin(95 * v + 3 * np.sin(9 * u))
    lay(body, _WOOD, 0.56 - 1.6 * v + grain + 0.3 * u, 0.009)
    lay(0.068 - np.hypot(u - 0.02, v), _DARK, 0.2 + 4 * np.abs(v), 0.012)
    lay(np.minimum(0.028 - np.abs(v), 0.30 - np.abs(u - 0.31)), _DARK, 0.5 - 14 * v)
    head = np.minimum(0.045 - np.abs(v), 0.055 - np.abs(u - 0.65))
    lay(head, _WOOD, 0.5 - 8 * v)
    bridge = np.minimum(0.070 - np.abs(v), 0.014 - np.abs(u + 0.16))
    lay(bridge, _DARK, 0.3 + 0 * v)
    strings = np.abs(np.mod(v / 0.011, 1) - 0.5) < 0.11
    return strings & (np.abs(v) < 0.024) & (np.abs(u - 0.22) < 0.40)


def _still_life(x: Array, y: Array) -> tuple[Array, Array, Array]:
    # Colours [h, w, 3] of the plain scene, its drawn outlines and the number of the
    # thing seen, 0 for the wall, each [h, w].
    stripes = np.sin(2 * np.pi * (x * 0.9 + 0.35 * y) / 0.16)
    scene = ramp(_WALL, 0.30 + 0.35 * (x - 0.3) + 0.16 * stripes)
    outline = np.zeros(x.shape, np.float32)
    things = np.zeros(x.shape, np.int64)

    def lay(depth: Array, palette: Array, tone: Array, line: float = 0.006) -> None:
        nonlocal scene, outline, things
        inside = smoothstep(-0.001, 0.001, depth)
        scene = mix(scene, ramp(palette, tone), inside)
        things = np.where(depth > 0, things.max() + 1, things)
        outline = outline * (1 - inside)
        outline = np.maximum(outline, smoothstep(line, 0.6 * line, np.abs(depth)))

    checks = np.sin(30 * (x + 0.5 * y)) * np.sin(30 * (y - 0.3 * x))
    lay(y - 0.66 - 0.08 * (x - 0.6), _CLOTH, 0.52 + 0.28 * np.sign(checks) - 0.3 * x)
    sheet = np.minimum(0.20 - np.abs(x - 0.93 + 0.3 * y), 0.13 - np.abs(y - 0.80))
    lay(sheet, pigments("8a8fa8", "e8e0cc", "fdf8e8"), 0.6 + 0.8 * (x - 0.7))
    staff = np.abs(np.mod((y + 0.2 * x) / 0.026, 1) - 0.5) < 0.10
    outline = np.maximum(outline, 0.7 * (staff & (sheet > 0.02)))
    # Bottle and glass.
    neck = 0.030 + 0.062 * smoothstep(0.30, 0.44, y)
    bottle = np.minimum(neck - np.abs(x - 0.98), np.minimum(y - 0.12, 0.74 - y))
    lay(bottle, _BOTTLE, 0.42 - 5.0 * (x - 0.99) * (0.05 / neck))
    label = np.minimum(0.092 - np.abs(x - 0.98), 0.07 - np.abs(y - 0.57))
    lay(label, pigments("c8a860", "f8ecc8"), 0.8 - 4 * (x - 0.95))
    glass = np.minimum(
        0.075 - 0.18 * (y - 0.46) - np.abs(x - 1.14), 0.13 - abs(y - 0.60)
    )
    lay(glass, pigments("2a5a8a", "8ac0d8", "f0fbff"), 0.5 - 6 * (x - 1.14))
    strings = _lay_guitar(lay, x, y)
    scene = mix(scene, pigments("f8ecc0")[0], 0.9 * strings)
    for fx, fy, size in ((0.20, 0.76, 0.085), (0.33, 0.83, 0.075), (0.13, 0.87, 0.07)):
        round_ = size - np.hypot(x - fx, y - fy)
        lay(round_, _FRUIT, 0.42 - 5.0 * (x - fx) - 4.5 * (y - fy))
    return scene, outline.astype(np.float32), things


def _brushed(
    rng: np.random.Generator,
    scene: Array,
    facets: Array,
    planes: Array,
    outline: Array,
) -> Array:
    height, width = facets.shape
    sway = noise(rng, height, width, 0.2, octaves=2)
    angle = (rng.uniform(0, np.pi, int(facets.max()) + 1))[facets] + 0.25 * sway
    flow = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
    canvas = Canvas.primed(height, width, scene)

    def color_at(rows: Array, cols: Array) -> Array:
        tint = 0.055 * rng.standard_normal((len(rows), 3))
        value = 0.075 * rng.standard_normal((len(rows), 1))
        return np.clip(scene[rows, cols] + tint + value, 0, 1)

    for size, length, cover in ((0.026, 0.060, 1.6), (0.017, 0.038, 1.5)):
        brush = Brush(size, length, cover, 0.6, opacity=0.9)
        paint_layer(rng, canvas, brush, flow, color_at, planes=planes)
    # The drawing goes over the paint: seams of the planes, then outlines.
    gap = distance_to(borders(facets)) * 512 / height
    strength = 0.45 + 0.35 * noise(rng, height, width, 0.12, octaves=2)
    seam = smoothstep(2.2, 0.5, gap) * np.clip(strength, 0, 0.9)
    drawn = outline * np.clip(0.8 + 0.25 * sway, 0.3, 1)
    ink = np.maximum(seam, drawn)
    canvas.color[:] = mix(canvas.color, pigments("17101c")[0], ink)
    return canvas.lit(0.40, 0.14)
