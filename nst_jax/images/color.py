"""Colours of one image carried over to another.

Four ways of Gatys et al., "Preserving Color in Neural Artistic Style Transfer" (2016,
arXiv:1606.05897) and "Controlling Perceptual Factors in Neural Style Transfer" (2017,
arXiv:1611.07865, section 5): luminance alone, with and without matching; histograms;
mean and covariance. Statistics are computed in float64.
"""

import numpy as np

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the luma of ITU-R BT.601, sRGB's own values."""

EPSILON = 1e-5
"""Variances below it, of values in [0, 1], count as it where they are divided by: 0.8
of an 8-bit step. Gatys's code adds as much to every variance; clipped, those of
pictures with colour stay exact."""

GREY = 3.5 / 255
"""Channels of a grey picture differ by no more, anywhere: 3 levels of 8 bits, and half
a level for resizing. So far apart are red, green and blue of a grey that lost a level
in each of JPEG's two chroma channels (2.8, and rounding); conversions of ICC profiles
keep to 1 or 2. A tint that is meant to be seen, such as sepia, is well beyond."""


_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def luminance(image: np.ndarray) -> np.ndarray:
    """Luma `[h, w, 1]` float32 of an image `[h, w, 3]`, both in [0, 1]."""
    return image.astype(np.float32) @ np.array(LUMA, np.float32)[:, None]


def grey(image: np.ndarray) -> np.ndarray:
    """An image `[h, w, 3]` in [0, 1] with its luminance in all three channels."""
    return np.repeat(luminance(image), 3, axis=-1)


def is_grey(image: np.ndarray) -> bool:
    """Whether an image `[h, w, 3]` in [0, 1] has no colour at all, but for rounding."""
    return bool((image.max(-1) - image.min(-1)).max() <= GREY)


def oklab(image: np.ndarray) -> np.ndarray:
    """Colours `[..., 3]`, sRGB in [0, 1], in OkLab: lightness and two of hue.

    B. Ottosson 2020, "A perceptual color space for image processing": differences are
    about as large as they look.
    """
    values = np.asarray(image, np.float64)
    linear = np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    return np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T


def match_luminance(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """`grey(image)`, shifted and scaled to mean and deviation of the reference's.

    Gatys et al. 2017, section 5: sigma_c / sigma_s (L_s - mu_s) + mu_c.

    Args:
      image: `[h, w, 3]` in [0, 1].
      reference: `[h', w', 3]` in [0, 1].

    Returns:
      `[h, w, 3]` float32, clipped to [0, 1]. A flat image stays flat.
    """
    given, wanted = (luminance(i).astype(np.float64) for i in (image, reference))
    scale = wanted.std() / max(given.std(), EPSILON**0.5)
    matched = scale * (given - given.mean()) + wanted.mean()
    return np.repeat(np.clip(matched, 0, 1).astype(np.float32), 3, axis=-1)


def with_luminance(image: np.ndarray, light: np.ndarray) -> np.ndarray:
    """An image's colours at another one's luminance.

    Chroma, the difference of each channel to the luminance, stays the image's: U and V
    of YUV. Where no colour has such a luminance and such a chroma, the chroma is
    scaled down until one has, which keeps luminance and hue. Gatys's code clips there,
    which keeps neither.

    Args:
      image: `[h, w, 3]` in [0, 1], with the colours.
      light: `[h, w, 3]` in [0, 1], with the luminance.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    target = luminance(light)
    chroma = image - luminance(image)
    highest = chroma.max(-1, keepdims=True)
    lowest = -chroma.min(-1, keepdims=True)
    tiny = np.float32(1e-12)  # Of grey pixels both are 0.
    room = np.minimum(
        (1 - target) / np.maximum(highest, tiny), target / np.maximum(lowest, tiny)
    )
    return np.clip(target + np.minimum(1, room) * chroma, 0, 1).astype(np.float32)


def by_mask(image: np.ndarray, photo: np.ndarray, share: np.ndarray) -> np.ndarray:
    """An image that has its own colours in one part, and the photo's in the other.

    Where a mask is black, chroma is the photo's, as by `with_luminance`; in between
    colours are mixed. Light and dark stay the image's everywhere. The `color_mask` of
    titu1994's INetwork, which is black or white alone, is the other way round: there
    white has the photo's colours.

    Args:
      image: `[h, w, 3]` in [0, 1].
      photo: `[h, w, 3]` in [0, 1]; one without colour gives none.
      share: `[h, w]` in [0, 1], 1 where the image's colours are.

    Returns:
      `[h, w, 3]` float32 in [0, 1].
    """
    kept = with_luminance(grey(photo) if is_grey(photo) else photo, image)
    own = share[..., None]
    return np.asarray(own * image + (1 - own) * kept, np.float32)


def match_histograms(image: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Each channel with the distribution of values that the reference's has.

    A value becomes the reference's of the same rank, interpolated: Gonzalez and Woods,
    "Digital Image Processing", section 3.3. Equal values stay equal; their rank is the
    middle of theirs, so that dark and light are treated alike. scikit-image takes the
    last one, which turns a black background as light as its size.

    Args:
      image: `[h, w, c]`.
      reference: `[h', w', c]`.

    Returns:
      `[h, w, c]` float32, within the reference's range.
    """
    matched = np.empty(image.shape, np.float32)
    for channel in range(image.shape[-1]):
        _, places, ranks = _ranked(image[..., channel])
        wanted, _, wanted_ranks = _ranked(reference[..., channel])
        found = np.interp(ranks, wanted_ranks, wanted)
        matched[..., channel] = found[places].reshape(image.shape[:2])
    return matched


def match_linear(
    image: np.ndarray,
    reference: np.ndarray,
    form: str = "symmetric",
) -> np.ndarray:
    """Colours moved by `linear_map`, clipped to [0, 1].

    Args:
      image: `[h, w, 3]` in [0, 1].
      reference: `[h', w', 3]` in [0, 1].
      form: see `linear_map`.

    Returns:
      `[h, w, 3]` float32.
    """
    matrix, offset = linear_map(image, reference, form)
    return np.clip(image @ matrix.T + offset, 0, 1).astype(np.float32)


def linear_map(
    image: np.ndarray,
    reference: np.ndarray,
    form: str = "symmetric",
) -> tuple[np.ndarray, np.ndarray]:
    """The linear map of colours after which an image has the reference's statistics.

    Gatys et al. 2016: A = S_c^(1/2) S_s^(-1/2), symmetric roots of the
    covariances, as in Hertzmann et al., "Image Analogies" (2001), or A = L_c L_s^(-1)
    with their Cholesky factors, which depend on the order of the channels. Variances
    of the image below `EPSILON` in a direction, such as those of a grey one's chroma,
    count as `EPSILON`: along it the image keeps less variance than the reference has.

    Args:
      image: `[h, w, 3]` in [0, 1].
      reference: `[h', w', 3]` in [0, 1].
      form: of the roots, "symmetric" or "cholesky".

    Returns:
      matrix A `[3, 3]` and offset b `[3]`, float64: a colour c becomes A c + b.
    """
    means, roots = [], []
    for picture, smallest in ((image, EPSILON), (reference, 0.0)):
        colors = picture.reshape(-1, 3).astype(np.float64)
        means.append(colors.mean(axis=0))
        centred = colors - means[-1]
        roots.append(_root(centred.T @ centred / len(colors), smallest, form))
    matrix = roots[1] @ np.linalg.inv(roots[0])
    return matrix, means[1] - matrix @ means[0]


def _root(covariance: np.ndarray, smallest: float, form: str) -> np.ndarray:
    """R with R R^T = `covariance`, of whose eigenvalues none is below `smallest`."""
    variances, axes = np.linalg.eigh(covariance)
    # Rounding can make those of a grey picture negative.
    scaled = axes * np.sqrt(np.maximum(variances, smallest))
    if form == "symmetric":
        return scaled @ axes.T
    # S = B B^T and B^T = Q R give S = R^T R: no Cholesky factor of S is needed, which
    # numpy doesn't find for a grey picture.
    _, upper = np.linalg.qr(scaled.T)
    return upper.T * np.where(np.diag(upper) < 0, -1, 1)


def _ranked(channel: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A channel's values, ascending; the place of each pixel's; ranks, in [0, 1]."""
    values, places, counts = np.unique(
        channel.ravel(), return_inverse=True, return_counts=True
    )
    return values, places, (np.cumsum(counts) - counts / 2) / channel.size
