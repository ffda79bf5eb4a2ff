"""Colours as they are seen: OkLab (B. Ottosson 2020, "A perceptual color space")."""

import numpy as np

_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OPPONENTS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(image: np.ndarray) -> np.ndarray:
    """`[..., 3]` sRGB in [0, 1] -> lightness in [0, 1] and two colour axes, float32."""
    image = np.asarray(image, np.float64)
    light = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)
    return (np.cbrt(light @ _CONES.T) @ _OPPONENTS.T).astype(np.float32)
