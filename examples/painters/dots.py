"""Regatta at sunset: pointillism, colours divided into pure dots as Seurat did."""

import numpy as np
from fields import (
    Array,
    mix,
    noise,
    pigments,
    ramp,
    smoothstep,
    unit_grid,
)
from strokes import Brush, Canvas, paint_layer

_SKY = pigments("3a5fc8", "6f8fe0", "b79ad8", "f0a0a8", "fbbf6a", "ffe27a")
_SEA = pigments("16307f", "2358b0", "2f8fc0", "5cc0c0", "f0b06a", "ffe08a")
_HILLS = pigments("3a3a9a", "6a5ac0", "b070b8", "e8909a")
_BANK = pigments("0f4a3a", "2f8a3a", "7fbf3a", "d8d84a", "f5e27a")
_LEAVES = pigments("10245a", "0f4f4a", "2a8a3f", "8abf2f", "f0d040")
_SAIL = pigments("8a7ad0", "e8a0b0", "fff0c0", "fffbe8")
_SUN = (0.80, 0.36)
_LIGHT = pigments("ffd23a", "ff9a2a", "ffe98a", "ff7a5a")
_SHADE = pigments("2a2fb0", "5a2fa8", "1f6fc0", "8a2a8a")


def paint_dots(rng: np.random.Generator, height: int, width: int) -> Array:
    """Paints boats on a bright bay in dots of pure colour; [h, w, 3] in [0, 1]."""
    x, y = unit_grid(height, width)
    scene, flow = _compose(rng, x, y)
    canvas = Canvas.primed(height, width, pigments("e9d3a6")[0])
    # Dots grow smaller layer by layer, and their colours purer.
    for size, cover, purity in (
        (0.020, 2.6, 0.5),
        (0.0150, 1.9, 0.9),
        (0.0115, 1.1, 1.15),
        (0.0085, 0.40, 1.25),
    ):
        brush = Brush(size, 0.4 * size, cover, 0.25, opacity=0.97, body=1.2)

        def color_at(rows: Array, cols: Array, purity: float = purity) -> Array:
            return _divided(rng, scene[rows, cols], purity)

        paint_layer(rng, canvas, brush, flow, color_at)
    return canvas.lit(0.38, 0.16)


def _divided(rng: np.random.Generator, local: Array, purity: float) -> Array:
    """Splits local colours [n, 3] into dots: itself, its neighbours, its opposite.

    After Chevreul's law of simultaneous contrast: light gets warm dots, shade gets
    blue and violet ones, and a few take the local colour's complement.
    """
    count = len(local)
    luma = local @ np.array([0.30, 0.55, 0.15], np.float32)
    grey = luma[:, None]
    color = grey + (local - grey) * (1 + 0.16 * purity)
    # Turning the hue a little either way: rotate the two chroma axes.
    turn = 0.32 * purity * rng.standard_normal(count)
    chroma = color - grey
    swapped = np.roll(chroma, 1, 1) - np.roll(chroma, -1, 1)
    color = grey + np.cos(turn)[:, None] * chroma
    color += np.sin(turn)[:, None] * swapped / np.sqrt(3)
    color += 0.09 * purity * rng.standard_normal((count, 1))
    dice = rng.random(count)
    warm = (dice < 0.13 * purity * smoothstep(0.35, 0.75, luma))[:, None]
    cool = (dice < 0.20 * purity * smoothstep(0.62, 0.25, luma))[:, None]
    color = np.where(warm, _LIGHT[rng.integers(4, size=count)], color)
    color = np.where(cool, _SHADE[rng.integers(4, size=count)], color)
    opposite = (dice > 1 - 0.07 * purity)[:, None]
    color = np.where(opposite, grey - 0.9 * (local - grey) + 0.08, color)
    return np.clip(color, 0, 1).astype(np.float32)


def _compose(rng: np.random.Generator, x: Array, y: Array) -> tuple[Array, Array]:
    # The scene's local colours [h, w, 3] and the direction its dots are laid in.
    height, width = x.shape
    drift = noise(rng, height, width, 0.16, stretch=2.5)
    leafy = noise(rng, height, width, 0.075)
    away = np.hypot(x - _SUN[0], y - _SUN[1])
    glow = np.exp(-((away / 0.30) ** 2))
    bands = np.sin(2 * np.pi * (y + 0.02 * drift) / 0.11)
    scene = ramp(_SKY, 0.05 + 1.15 * y + 0.42 * glow + 0.07 * drift + 0.05 * bands)
    clouds = smoothstep(0.5, 1.3, drift + 0.5 * bands) * smoothstep(0.40, 0.2, y)
    scene = mix(scene, ramp(_SKY[3:], 0.2 + 0.7 * glow), 0.8 * clouds)
    scene = mix(scene, pigments("fff6c8")[0], smoothstep(0.072, 0.058, away))
    for top, tone in (
        (0.43 - 0.06 * np.sin(3 * x + 0.2) ** 2, 0.55),
        (0.45 - 0.05 * np.sin(2.2 * x + 2.0) ** 2, 0.15),
    ):
        shade = ramp(_HILLS, tone + 0.5 * glow + 0.1 * leafy)
        scene = mix(scene, shade, smoothstep(-0.002, 0.002, y - top))
    water = y > 0.47
    waves = np.sin(2 * np.pi * np.sqrt(np.clip(y - 0.44, 0, 1)) * 26 + 5 * drift)
    path = np.exp(-(((x - _SUN[0]) / (0.05 + 0.20 * np.clip(y - 0.45, 0, 1))) ** 2))
    tone = 0.30 - 0.25 * (y - 0.47) + 0.12 * waves + 0.07 * drift
    tone = tone + path * (0.55 + 0.28 * waves)
    scene = np.where(water[..., None], ramp(_SEA, tone), scene)
    for bx, by, size, lean in (
        (0.60, 0.60, 0.27, 0.05),
        (1.02, 0.545, 0.15, 0.03),
        (0.45, 0.50, 0.085, 0.02),
        (1.15, 0.49, 0.055, 0.01),
    ):
        scene = _boat(scene, x, y, (bx, by), size, lean, waves)
    scene = _bank(scene, x, y, leafy)
    angle = 0.5 * drift + np.where(water, 0.0, 0.8)
    flow = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
    return scene, flow


def _boat(
    scene: Array,
    x: Array,
    y: Array,
    foot: tuple[float, float],
    size: float,
    lean: float,
    waves: Array,
) -> Array:
    # A cutter: main sail, jib, hull, and all three again in the water.
    bx, by = foot
    for mirrored in (True, False):
        up = (y - by) / 0.75 if mirrored else by - y
        rise = np.clip(up / size, 0, 1)
        aside = x - bx - lean * rise + (0.006 * waves if mirrored else 0)
        inside = (up > 0.09 * size) & (up < size)
        main = inside & (aside > 0.012 * size) & (aside < 0.46 * size * (1 - rise))
        jib = inside & (aside < -0.02 * size) & (aside > -0.34 * size * (0.92 - rise))
        hull = (up > -0.06 * size) & (up < 0.07 * size)
        hull &= np.abs(aside - 0.05 * size) < 0.46 * size + 0.8 * (up - 0.05 * size)
        tone = 0.80 - 1.0 * aside / size - 0.25 * rise
        share = 0.6 if mirrored else 1.0
        scene = mix(scene, ramp(_SAIL, tone), share * main)
        scene = mix(scene, ramp(pigments("d8442a", "f59a3a"), tone), share * jib)
        scene = mix(scene, ramp(pigments("5a1030", "b02a3a"), tone), share * hull)
    return scene


def _bank(scene: Array, x: Array, y: Array, leafy: Array) -> Array:
    # The near bank with its long shadows, and a tree that frames the view.
    top = 0.87 - 0.10 * np.exp(-(((x - 0.05) / 0.30) ** 2)) - 0.03 * np.sin(4 * x)
    depth = y - top
    shadow = np.sin(22 * (x + 0.9 * depth) + leafy) > 0.35
    tone = 0.62 + 0.14 * leafy - 0.42 * shadow + 0.3 * (x - 0.6) - depth
    bank = smoothstep(-0.003, 0.003, depth)
    scene = mix(scene, ramp(_BANK, tone), bank)
    flowers = (leafy > 1.15) & (depth > 0.02)
    scene = mix(scene, pigments("f0506a")[0], flowers * 0.9)
    spine = 0.155 + 0.035 * np.sin(5 * y + 1)
    trunk = (np.abs(x - spine) < 0.016 + 0.05 * np.clip(y - 0.75, 0, 1)) & (y < 0.86)
    trunk &= y > 0.2
    bark = ramp(pigments("2a1440", "6a2f4a", "d87a3a"), 0.5 + (x - spine) / 0.04)
    scene = mix(scene, bark, trunk * 1.0)
    for cx, cy, size in (
        (0.16, 0.14, 0.20),
        (0.30, 0.22, 0.13),
        (0.03, 0.29, 0.16),
        (0.23, 0.36, 0.085),
        (0.38, 0.09, 0.11),
    ):
        dx, dy = x - cx, (y - cy) * 1.25
        inside = 1 - np.hypot(dx, dy) / size + 0.16 * leafy
        tone = 0.42 + 0.36 * (dx - dy * 0.7) / size + 0.2 * leafy
        scene = mix(scene, ramp(_LEAVES, tone), smoothstep(0.0, 0.05, inside))
    return scene
