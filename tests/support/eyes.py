"""Eyes of few channels, and pictures with strokes of a size."""

import numpy as np

from bench.quality.eyes import EYES, Eye, Eyes
from nst_jax.networks import extract
from support.tiny import narrow, random_weights, tiny_vgg
from weights_convert import architectures

SHALLOW = Eye(
    "vgg16",
    "tiny",
    style=("relu1_2", "relu2_2"),
    patches=("relu2_2",),
    content=("relu2_2", "relu3_1"),
    lpips=("relu1_2", "relu2_2", "relu3_1"),
)


def tiny_eyes(count: int = 2) -> Eyes:
    """Early taps of a tiny VGG, and AlexNet's, narrow."""
    tables = (tiny_vgg(), narrow(architectures.find("alexnet"), least=6))
    eyes = (SHALLOW, EYES[2])[:count]
    networks = [
        extract.build(table, random_weights(table, np.random.default_rng(k)))
        for k, table in enumerate(tables[:count])
    ]
    return Eyes(eyes, networks)


def layers() -> list[np.ndarray]:
    """LPIPS's layers for them, seeded."""
    rng = np.random.default_rng(3)
    return [rng.random(width).astype(np.float32) for width in (4, 5, 6)]


def strokes(
    shape: tuple[int, int], *, seed: int, length: int, colours: int = 5
) -> np.ndarray:
    """`[*shape, 3]` float32 in [0, 1]: short bars in a few colours, all over."""
    rng = np.random.default_rng(seed)
    palette = rng.random((colours, 3))
    image = np.broadcast_to(palette[0], (*shape, 3)).copy()
    for _ in range(8 * shape[0] * shape[1] // length**2):
        top, left = (int(rng.integers(side)) for side in shape)
        tall, wide = (max(2, length // 4), length)[:: rng.choice((-1, 1))]
        image[top : top + tall, left : left + wide] = palette[rng.integers(colours)]
    return image.astype(np.float32)


def scene(shape: tuple[int, int], *, seed: int = 0) -> np.ndarray:
    """`[*shape, 3]` float32 in [0, 1]: a sky, a ground, a sun, smooth as photos are."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[: shape[0], : shape[1]] / max(shape)
    sky = 0.4 + 0.3 * down[..., None] * np.array([0.2, 0.6, 1.0])
    sun = np.exp(-80 * ((down - 0.2) ** 2 + (across - 0.6) ** 2))[..., None]
    hill = 1 / (1 + np.exp(-60 * (down - 0.45 - 0.08 * np.sin(9 * across))))[..., None]
    image = sky * (1 - hill) + hill * np.array([0.25, 0.4, 0.15]) + 0.3 * sun
    image += 0.02 * rng.normal(size=(*shape, 1))
    return np.clip(image, 0, 1).astype(np.float32)
