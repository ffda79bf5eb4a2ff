"""Sunburst over a river: stained glass with leading, glow and hand-blown texture."""

import numpy as np
from fields import (
    Array,
    blur,
    borders,
    distance_to,
    mix,
    noise,
    pigments,
    ramp,
    smoothstep,
    unit_grid,
)

_SKY = pigments("0b1f7a", "1546b8", "1f7fd6", "46b9e0", "7a4cc0", "4a1f8f")
_DAWN = pigments("f7c325", "f58a1f", "e8501f", "d42a5a", "a02a8f")
_SUN = pigments("fff2a0", "ffd23a", "ffae1a", "ff7a12")
_FAR = pigments("4a2a9a", "6a3fc0", "2f4fc0", "8f5ad0")
_GREEN = pigments("0b5a2a", "158a3a", "4fb52f", "a5d52a", "0f7a6a")
_RIVER = pigments("0f8fb8", "3fc8d8", "a0ecec", "1f6fd0")
_PETAL = pigments("8a0a1a", "d0141f", "f03a1a", "ff7a2a")
_LEAF = pigments("0a5a3a", "14a05a", "8ad83a")
_FRAME = (pigments("7a0a1c", "c01a2a", "e0402a"), pigments("0c2a8a", "1a5ac0"))
_GOLD = pigments("c07a10", "f0b020", "ffd850")
_SUN_AT = (0.60, 0.40)


class _Window:
    """Panes laid one over another: labels [h, w] and the palette of each label."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.labels = np.zeros(shape, np.int64)
        self.palettes: list[Array] = [_SKY]

    def lay(self, where: Array, cells: Array, palette: Array) -> None:
        """Puts panes into `where`, one for each distinct integer of `cells` [h, w]."""
        found, cells = np.unique(cells[where], return_inverse=True)
        self.labels[where] = len(self.palettes) + cells
        self.palettes += [palette] * len(found)


def paint_glass(rng: np.random.Generator, height: int, width: int) -> Array:
    """Paints a leaded window lit from behind; [h, w, 3] in [0, 1]."""
    x, y = unit_grid(height, width)
    wobble = noise(rng, height, width, 0.25, octaves=2)
    window = _Window((height, width))
    _lay_sky(rng, window, x, y, wobble)
    _lay_land(rng, window, x, y, wobble)
    _lay_flowers(rng, window, x, y)
    _lay_frame(window, x, y)
    return _shine(rng, window, x, y)


def _lay_sky(
    rng: np.random.Generator, window: _Window, x: Array, y: Array, wobble: Array
) -> None:
    dx, dy = x - _SUN_AT[0], y - _SUN_AT[1]
    radius = np.hypot(dx, dy) * (1 + 0.03 * wobble)
    turn = np.arctan2(dy, dx) / (2 * np.pi) + 0.5 + 0.004 * wobble
    everywhere = np.ones(x.shape, bool)
    rays = 26
    edges = (np.arange(rays) + rng.uniform(-0.25, 0.25, rays)) / rays
    ray = np.searchsorted(edges, turn % 1.0)
    shift = rng.uniform(-0.5, 0.5, rays + 1)[ray]
    ring = np.floor((radius - 0.13) / 0.125 + shift).astype(int)
    window.lay(everywhere, ray + 100 * ring + 5000, _SKY)
    near = radius < 0.27 + 0.035 * (ray % 2)
    window.lay(near, ray + 100 * (radius > 0.2), _DAWN)
    petals = np.floor(turn * 12).astype(int)
    window.lay(radius < 0.135, petals, _SUN)
    window.lay(radius < 0.075, np.zeros_like(petals), _SUN[:2])


def _lay_land(
    rng: np.random.Generator, window: _Window, x: Array, y: Array, wobble: Array
) -> None:
    tops = (
        0.50 - 0.10 * np.exp(-(((x - 0.25) / 0.16) ** 2)) + 0.02 * np.sin(11 * x),
        0.56 - 0.09 * np.exp(-(((x - 1.0) / 0.22) ** 2)) + 0.02 * np.cos(8 * x),
        0.66 + 0.05 * np.sin(4.5 * x + 1.0),
        0.80 + 0.045 * np.sin(5.5 * x + 3.2),
    )
    for order, top in enumerate(tops):
        depth = y - top
        slant = x + (0.8 if order % 2 else -0.6) * depth + 0.012 * wobble
        cut = np.floor(slant / (0.085 + 0.02 * order)).astype(int)
        jitter = rng.uniform(-0.5, 0.5, 64)[cut + 20]
        row = np.floor(depth / 0.075 + jitter).astype(int)
        window.lay(depth > 0, cut + 100 * row, _FAR if order < 2 else _GREEN)
    bend = 0.60 + 0.10 * np.sin(11 * (y - 0.5)) * (y - 0.4) / 0.5
    share = (x - bend) / (0.02 + 0.32 * np.clip(y - 0.54, 0, 1))
    river = (np.abs(share) < 1) & (y > 0.57)
    flow = np.floor(8 * np.sqrt(np.clip(y - 0.5, 0, 1)) / 0.6 + 0.35 * share**2)
    half = (share + 0.4 * np.sin(5 * flow) > 0).astype(int)
    window.lay(river, (half + 2 * flow).astype(int), _RIVER)


def _lay_flowers(rng: np.random.Generator, window: _Window, x: Array, y: Array) -> None:
    for fx, fy, size in (
        (0.20, 0.66, 0.115),
        (1.03, 0.70, 0.105),
        (0.40, 0.83, 0.075),
        (0.86, 0.87, 0.07),
    ):
        lean = 0.06 * np.sin(7 * (y - fy))
        window.lay((np.abs(x - fx - lean) < 0.010) & (y > fy), 0 * x.astype(int), _LEAF)
        for side in (-1, 1):
            lx = (x - fx) * side - 0.085
            ly = y - fy - 1.75 * size - 0.035 * (side > 0) + 0.55 * lx
            leaf = (lx / 0.085) ** 2 + (ly / 0.032) ** 2 < 1
            window.lay(leaf, (ly > 0).astype(int), _LEAF)
        dx, dy = x - fx, (y - fy) / 0.92
        turn = np.arctan2(dy, dx) / (2 * np.pi) * 6 + rng.uniform(0, 1)
        radius = np.hypot(dx, dy) / size
        bloom = radius < 0.80 + 0.22 * np.abs(np.sin(np.pi * turn)) ** 0.7
        petal = np.floor(turn).astype(int)
        window.lay(bloom, petal + 20 * (radius < 0.55), _PETAL)
        window.lay(radius < 0.26, 0 * petal, _SUN[:3])


def _lay_frame(window: _Window, x: Array, y: Array) -> None:
    inset = np.minimum(np.minimum(x, 1.25 - x), np.minimum(y, 1 - y))
    along = np.where(np.minimum(x, 1.25 - x) < np.minimum(y, 1 - y), y, x + 7)
    pane = np.floor(along / 0.125).astype(int)
    for odd, palette in enumerate(_FRAME):
        window.lay((inset < 0.046) & (pane % 2 == odd), pane, palette)
    inner = (inset >= 0.046) & (inset < 0.064)
    window.lay(inner, np.floor(along / 0.25 + 0.25).astype(int), _GOLD)


def _shine(rng: np.random.Generator, window: _Window, x: Array, y: Array) -> Array:
    height, width = x.shape
    scale = height / 512
    gap = distance_to(borders(window.labels)) / scale
    glass = _blown(rng, window, x, y, gap)
    specks = noise(rng, height, width, 0.008, octaves=1) > 3.0
    glass = mix(glass, np.ones(3, np.float32), 0.3 * specks)
    came = 2.3 + 0.5 * noise(rng, height, width, 0.1, octaves=2)
    lead = 1 - smoothstep(0.0, 1.2, gap - came)
    dome = np.clip(1 - (gap / 3.0) ** 2, 0, 1)
    down, right = np.gradient(blur(dome, 0.7 * scale))
    metal = 0.10 + 0.42 * np.clip(-(down + right) * scale, 0, 1)
    metal = metal * (1 + 0.2 * noise(rng, height, width, 0.02))
    leading = metal[..., None] * np.array([0.85, 0.95, 1.15], np.float32)
    image = mix(glass, np.clip(leading, 0, 1), lead)
    bloom = blur(np.clip(glass - 0.55, 0, 1) * (1 - lead)[..., None], 5 * scale)
    return np.clip(image + 0.35 * bloom, 0, 1).astype(np.float32)


def _blown(
    rng: np.random.Generator, window: _Window, x: Array, y: Array, gap: Array
) -> Array:
    # The panes with the light behind them; `gap` is the way to the next leading.
    labels = window.labels
    height, width = labels.shape
    count = len(window.palettes)
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    cx = np.bincount(labels.ravel(), x.ravel(), count) / area
    cy = np.bincount(labels.ravel(), y.ravel(), count) / area
    size = np.sqrt(area) / height
    # Each pane's colour runs across it in its own direction.
    angle = rng.uniform(0, 2 * np.pi, count)
    start = rng.uniform(0.0, 1.0, count)
    across = (x - cx[labels]) * np.cos(angle[labels])
    across = (across + (y - cy[labels]) * np.sin(angle[labels])) / size[labels]
    streaks = [
        noise(rng, height, width, 0.03, stretch=5.0),
        noise(rng, width, height, 0.03, stretch=5.0).T,
        noise(rng, height, width, 0.06),
    ]
    grain = np.choose(rng.integers(3, size=count)[labels], streaks)
    tone = start[labels] + 0.28 * across + 0.09 * grain
    tone = 1 - np.abs(1 - np.mod(tone, 2))  # folded back, so that no ramp jumps
    glass = np.zeros((height, width, 3), np.float32)
    for palette in {id(p): p for p in window.palettes}.values():
        own = np.array([p is palette for p in window.palettes])[labels]
        glass[own] = ramp(palette, tone[own])
    light = 0.78 + 0.45 * smoothstep(1.5, 13, gap) + 0.12 * grain
    light = light * (1 + 0.16 * rng.standard_normal(count)[labels])
    away = np.hypot(x - _SUN_AT[0], y - _SUN_AT[1])
    light = light * (0.85 + 0.45 * np.exp(-((away / 0.4) ** 2)))
    ripple = noise(rng, height, width, 0.025, octaves=2)
    down, right = np.gradient(ripple)
    slope = (down + right) * height / 512
    light = np.maximum(light + 0.32 * np.clip(slope, -0.8, 0.8), 0.05)
    glass = glass * light[..., None]
    return np.clip(1.18 * (1 - 0.97 * np.exp(-1.25 * glass**1.15)), 0, 1)
