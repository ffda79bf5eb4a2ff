"""The breaker: a wave, a mountain and a red sun, carved and printed in four inks."""

import numpy as np
from fields import (
    Array,
    blur,
    mix,
    noise,
    pigments,
    resize,
    rotated,
    smoothstep,
    unit_grid,
)

_PAPER, _OCHRE, _RED, _TEAL, _KEY = pigments(
    "f3e6c8", "eeb04a", "d8402a", "3f8fa0", "14234a"
)
_SUN = (0.86, 0.30, 0.155)
_PEAK = (0.93, 0.45)


class _Block:
    """The four blocks of a print, each [h, w] in [0, 1]: 1 prints, 0 is cut away."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.ochre, self.red, self.teal, self.key = np.zeros((4, *shape), np.float32)

    def clear(self, where: Array) -> None:
        """Cuts every block away inside `where` [h, w] in [0, 1]."""
        for ink in (self.ochre, self.red, self.teal, self.key):
            ink *= 1 - where

    def drop(self, x: Array, y: Array, cx: float, cy: float, size: float) -> None:
        """Leaves a drop of bare paper at (cx, cy), with a shadow at its lower right."""
        rows = slice(*np.searchsorted(y[:, 0], (cy - 2 * size, cy + 3 * size)))
        cols = slice(*np.searchsorted(x[0], (cx - 2 * size, cx + 3 * size)))
        x, y = x[rows, cols], y[rows, cols]
        away = np.hypot(x - cx, y - cy)
        for ink in (self.ochre, self.red, self.teal, self.key):
            ink[rows, cols] *= 1 - _edge(size - away)
        under = np.hypot(x - cx - 0.0016, y - cy - 0.0020)
        self.key[rows, cols] += _edge(size + 0.0005 - under) * _edge(away - size)


def paint_woodcut(rng: np.random.Generator, height: int, width: int) -> Array:
    """Prints the breaker from carved blocks; [h, w, 3] in [0, 1]."""
    tall, wide = 2 * height, 2 * width  # carved at twice the size for clean edges
    x, y = unit_grid(tall, wide)
    hand = noise(rng, tall, wide, 0.10, octaves=2)
    block = _Block((tall, wide))
    _cut_sky(block, x, y, hand)
    _cut_mountain(block, x, y, hand)
    _cut_sea(rng, block, x, y, hand)
    return _pulled(rng, block, height, width)


def _edge(depth: Array) -> Array:
    # 1 where depth > 0, with a soft edge of about a pixel of the carved block.
    return smoothstep(-0.0012, 0.0012, depth).astype(np.float32)


def _lines(phase: Array, period: float, share: Array | float, hand: Array) -> Array:
    # Gouge lines where `phase` crosses multiples of `period`: inked over `share`
    # of the period, which swells and breaks as a hand does.
    saw = np.abs(np.mod(phase / period, 1.0) - 0.5) * 2
    share = share + 0.10 * hand
    return smoothstep(-0.13, 0.13, share - saw).astype(np.float32)


def _cut_sky(block: _Block, x: Array, y: Array, hand: Array) -> None:
    sx, sy, size = _SUN
    away = np.hypot(x - sx, y - sy) + 0.003 * hand
    sun = _edge(size - away)
    turn = np.arctan2(y - sy, x - sx)
    rays = np.mod(turn / (2 * np.pi) * 44 + 0.06 * hand, 1.0)
    broad = 0.05 + 0.36 * np.clip((away / size - 1.1) / 1.4, 0, 1)
    wedge = smoothstep(0.0, 0.12, broad - np.abs(rays - 0.5))
    glow = np.clip(1.35 - away / 0.55, 0, 1)
    block.ochre[:] = wedge * _edge(away - size * 1.16)
    block.ochre *= _edge(glow - 0.02)
    drift = y + 0.02 * np.sin(6 * x + 2) + 0.012 * np.sin(17 * x) + 0.004 * hand
    block.teal[:] = _lines(drift, 0.022, 0.95 - 2.4 * drift, hand) * (1 - sun)
    block.key[:] = _lines(drift, 0.022, 0.30 - 2.2 * drift, hand)
    # Clouds: flat banks with scalloped tops and carved bellies.
    for cx, cy, long, tall in (
        (0.30, 0.20, 0.26, 0.050),
        (0.62, 0.11, 0.20, 0.040),
        (1.12, 0.15, 0.20, 0.045),
    ):
        puff = 0.45 + 0.55 * np.abs(np.sin((x - cx) / long * 9.0))
        top = cy - tall * puff * np.clip(1 - ((x - cx) / long) ** 2, 0, 1)
        depth = np.minimum(y - top, cy + 0.010 - y)
        depth = np.minimum(depth, (long - np.abs(x - cx)) * 0.3)
        cloud = _edge(depth)
        block.clear(cloud)
        belly = _lines(y - 0.6 * top, 0.0095, 1.1 - 18 * (cy + 0.01 - y), hand)
        block.red += cloud * belly * 0.9
        block.key += cloud * _edge(0.0045 - depth)
    outside = _edge(away - size)
    for ink in (block.ochre, block.teal, block.key):
        ink *= np.maximum(outside, _edge(0.2 - y))
    carved = 1 - _lines(y + 0.003 * hand, 0.016, 0.25 + 2.2 * (y - sy), hand)
    below = np.clip(carved + (y < sy), 0, 1)
    block.red[:] = np.maximum(block.red * outside, sun * below)


def _cut_mountain(block: _Block, x: Array, y: Array, hand: Array) -> None:
    px, py = _PEAK
    away = np.abs(x - px)
    slope = py + 0.24 * (1 - np.exp(-away / 0.17)) + 0.10 * away
    slope = slope - 0.012 * np.exp(-((away / 0.03) ** 2)) + 0.003 * hand
    depth = y - slope
    stone = _edge(depth)
    block.clear(stone)
    snow = 0.055 + 0.028 * np.abs(np.sin(34 * (x - px) + 0.6 * hand)) - 0.25 * away
    bare = _edge(depth - snow)
    fan = (x - px) / (0.09 + 1.1 * (y - py))
    tone = 0.62 + 0.55 * np.tanh(-(x - px) / 0.05) - 1.0 * (depth - 0.06)
    block.teal += stone * bare
    block.key += stone * bare * _lines(fan, 0.050, tone, hand)
    block.ochre += stone * bare * _edge(x - px - 0.02) * 0.9
    shade = _lines(fan, 0.085, 0.42 - 3 * (x - px + 0.02), hand)
    block.teal += stone * (1 - bare) * shade * _edge(px - x)
    block.key += stone * _edge(0.0055 - depth)


def _twisted(
    x: Array, y: Array, cx: float, cy: float, radius: float, turn: float
) -> tuple[Array, Array]:
    # The plane wound up about a point: what makes a crest curl over.
    dx, dy = x - cx, y - cy
    angle = turn * np.exp(-((np.hypot(dx, dy) / radius) ** 2))
    wound = rotated(np.stack([dx, dy], -1), angle)
    return cx + wound[..., 0], cy + wound[..., 1]


def _cut_sea(
    rng: np.random.Generator, block: _Block, x: Array, y: Array, hand: Array
) -> None:
    far = 0.685 + 0.012 * np.sin(18 * x) - 0.012 * np.abs(np.sin(11 * x + 1))
    _cut_wave(block, x, y - far, 0.016, hand, foam=0.008)
    wx, wy = _twisted(x, y, 1.06, 0.74, 0.10, -2.6)
    mid = 0.765 + 0.035 * np.sin(7.5 * wx + 0.2)
    _cut_wave(block, wx, wy - mid, 0.020, hand, foam=0.014)
    # The breaker: a slope rising to the left, wound up into a curl.
    wx, wy = _twisted(x, y, 0.46, 0.37, 0.23, -3.5)
    crest = 0.87 - 0.67 / (1 + np.exp((wx - 0.44) / 0.085)) + 0.08 * wx
    _cut_wave(block, wx, wy - crest, 0.027, hand, foam=0.040)
    wx, wy = _twisted(x, y, 0.80, 0.865, 0.085, -2.4)
    near = 0.905 + 0.045 * np.sin(6.2 * wx + 1.2) + 0.012 * np.sin(15 * wx)
    _cut_wave(block, wx, wy - near, 0.023, hand, foam=0.020)
    # Spray flies from the curl.
    for _ in range(170):
        far_out = rng.exponential(0.10)
        turn = rng.normal(0.25, 0.75)
        dx = 0.56 + far_out * np.cos(turn)
        dy = 0.24 + far_out * np.sin(turn)
        size = 0.0020 + 0.0055 * rng.random() ** 2
        block.drop(x, y, dx, dy, size)


def _cut_wave(
    block: _Block,
    along: Array,
    depth: Array,
    period: float,
    hand: Array,
    *,
    foam: float,
) -> None:
    # One wave from its crest down: outline, foam with claws, swelling bands.
    claws = np.abs(np.sin(along / (2.1 * foam) + 0.5 * hand))
    claws = 0.55 + 0.75 * claws + 0.35 * np.sin(along / (0.62 * foam))
    lip = depth + foam * 0.30 * np.abs(np.sin(along / (1.3 * foam)))
    body = _edge(lip)
    block.clear(body)
    water = _edge(depth - foam * claws)
    bend = depth + 0.25 * period * np.sin(along / (2.6 * period)) + 0.003 * hand
    deep = np.clip(depth / 0.35, 0, 1)
    bands = _lines(bend, 2.9 * period, 0.52 + 0.20 * deep, hand)
    fine = _lines(bend, 0.58 * period, 0.10 + 0.62 * deep + 0.2 * bands, hand)
    block.teal += body * water * bands
    block.key += body * water * np.maximum(fine * bands, fine * deep)
    rim = np.abs(depth - foam * claws)
    block.key += body * _edge(0.0032 - rim * 0.55)
    block.key += body * _edge(0.0050 - lip)
    dots = _lines(lip, 0.42 * foam, 0.16, hand) * _lines(along, 0.5 * foam, 0.5, hand)
    block.teal += body * (1 - water) * dots


def _pulled(rng: np.random.Generator, block: _Block, height: int, width: int) -> Array:
    # Inks in the printer's order, each a little off register, with wood grain.
    scale = height / 512
    fibre = noise(rng, height, width, 0.012, stretch=2.0)
    image = np.clip(_PAPER * (1 + 0.022 * fibre[..., None]), 0, 1).astype(np.float32)
    rings = noise(rng, height, width, 0.5, octaves=2, stretch=3.0)
    grain = np.sin(55 * rings + 2.5 * noise(rng, height, width, 0.02, stretch=14.0))
    for name, ink, depth in (
        ("ochre", _OCHRE, 0.95),
        ("red", _RED, 0.95),
        ("teal", _TEAL, 0.92),
        ("key", _KEY, 0.97),
    ):
        plate = np.clip(resize(getattr(block, name), height, width), 0, 1)
        off = np.rint(rng.uniform(-1.4, 1.4, 2) * scale).astype(int)
        if name != "key":
            margin = np.pad(plate, 8, mode="edge")
            top, left = np.clip(8 + off, 0, 16)
            plate = margin[top : top + height, left : left + width]
        patch = noise(rng, height, width, 0.06, octaves=4)
        salt = noise(rng, height, width, 0.008, octaves=2)
        cover = depth - 0.13 * smoothstep(0.2, 1.0, grain) + 0.05 * patch
        cover = cover - 0.35 * smoothstep(1.5, 2.6, salt + 0.4 * patch)
        squeeze = np.clip(plate - blur(plate, 1.6 * scale), 0, 1)
        share = np.clip(plate * (cover + 0.10 * squeeze), 0, 1)
        # Inks are partly transparent: a layer multiplies what lies under it.
        wet = image * (0.25 + 0.75 * ink) if name != "key" else ink
        image = mix(image, 0.75 * ink + 0.25 * wet, share)
    return np.clip(image, 0, 1).astype(np.float32)
