"""Noise to start from: the kinds that the known systems use, as images.

Each is a function `(rng, (height, width)) -> [height, width, 3]` float32 in [0, 1],
and a line of `options.STARTS`.
"""

import numpy as np

from nst_jax.images.frames import Shape

MEAN = (123.68 / 255, 116.779 / 255, 103.939 / 255)
"""The mean colour of ImageNet's photos, red, green, blue, as Simonyan and Zisserman's
networks subtract it in Caffe's form; others subtract others."""


def uniform(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """All colours alike."""
    return rng.random((*shape, 3), np.float32)


def mean(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """The mean colour with a trace of noise, of deviation 0.001/255.

    Johnson's `neural-style`, `-init random`: normal noise times 0.001 in the network's
    own values.
    """
    return _around_mean(rng, shape, 0.001 / 255)


def gaussian(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Normal noise of deviation 90/255 around the mean colour, clipped to [0, 1].

    Gordic's `pytorch-neural-style-transfer`, `init_method=random`, which doesn't clip.
    """
    return _around_mean(rng, shape, 90 / 255)


def pink(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Clouds: amplitudes 1/f in every channel, as photos have, scaled to [0, 1].

    Liu's `style-transfer` for Caffe starts from noise of this kind. There the channels'
    noise is mixed and its spectrum has the corners in the middle; here it is 1/f.
    """
    height, width = shape
    waves = np.fft.rfft2(rng.standard_normal((height, width, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = np.inf  # No mean: it is taken away by scaling anyway.
    image = np.fft.irfft2(waves / frequency[..., None], s=shape, axes=(0, 1))
    lowest, highest = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    span = np.where(highest > lowest, highest - lowest, 1)
    return ((image - lowest) / span).astype(np.float32)


def _around_mean(
    rng: np.random.Generator, shape: Shape, deviation: float
) -> np.ndarray:
    noise = rng.standard_normal((*shape, 3), np.float32)
    image = np.array(MEAN, np.float32) + np.float32(deviation) * noise
    return np.clip(image, 0, 1)
