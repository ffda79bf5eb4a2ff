"""Maps of regions: pictures that have a flat colour for each, or arrays of labels."""

import dataclasses
import hashlib
import math
import re
from typing import Any

import numpy as np

from nst_jax.errors import ImageError, OptionsError, counted
from nst_jax.images import masks
from nst_jax.images.color import oklab
from nst_jax.images.source import Report, Source

NAMED = {
    "red": "#ff0000",
    "green": "#00ff00",
    "blue": "#0000ff",
    "black": "#000000",
    "white": "#ffffff",
    "yellow": "#ffff00",
    "grey": "#808080",
    "lightblue": "#00ffff",
    "purple": "#ff00ff",
}
"""Colours that have names, those of Luan et al.'s deep-photo-styletransfer."""

_NEAR, _LEVELS = 0.05, 25
"""Colours are the same that lie as near in OkLab, or differ by as many levels in each
channel, as Luan et al. have it: near black OkLab is finer than JPEG."""
_EVEN = 8
"""Levels that the pixels of a flat area differ by at most."""
_SHARE, _MOST = 0.002, 32
"""Of a map's pixels, that a region has at least; regions of a map at most."""
_LOST = 2.5
"""Pixels from the nearest region beyond which an odd colour is no edge's."""
_PIXELS = 2**24
"""Of a map; of larger ones every second, third ... is taken."""


@dataclasses.dataclass(frozen=True)
class Map:
    """The regions of a picture.

    Attributes:
      names: of the regions: colours such as "#ff0000", or the numbers of labels.
      labels: `[h, w]` int, the place of each pixel's region; or its shares of all,
        `[h, w, r]` float32, 0 or more.
    """

    names: tuple[str, ...]
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.labels.shape[0], self.labels.shape[1]

    def mask(self, place: int) -> np.ndarray:
        """What each pixel counts in a region, `[h, w]` float32, 0 or more."""
        if self.labels.ndim == 3:
            return np.ascontiguousarray(self.labels[..., place])
        return (self.labels == place).astype(np.float32)


def source(given: Any) -> Source:
    """The source of a map before it is read.

    Args:
      given: a picture as `Source.of` takes it; or whole numbers or truth values
        `[h, w]`, the label of each pixel; or floats `[h, w, r]`, its shares of regions.

    Raises:
      ImageError: neither.
    """
    array = given if hasattr(given, "dtype") and hasattr(given, "shape") else None
    if array is None:
        return Source.of(given)
    array = np.asarray(array)
    is_labels = array.ndim == 2 and array.dtype.kind in "iub"
    is_shares = array.ndim == 3 and array.dtype.kind == "f"
    if not array.size or not (is_labels or is_shares):
        if array.ndim == 3 and array.dtype == np.uint8:
            return Source.of(array)
        raise ImageError(
            f"array of shape {array.shape} and dtype {array.dtype}: regions are whole "
            "numbers [h, w], floats [h, w, regions], or a picture in uint8"
        )
    if is_shares and not (np.isfinite(array).all() and array.min() >= 0):
        raise ImageError("array of regions with shares that aren't 0 or more")
    plain = np.ascontiguousarray(array, np.float32 if is_shares else np.int64)
    digest = hashlib.sha256(f"{plain.dtype} {plain.shape}".encode())
    digest.update(plain.data)
    return Source(f"regions {digest.hexdigest()}", plain)


def read(given: Source, report: Report | None = None) -> Map:
    """The regions of a map.

    Of a picture, the colours of flat areas that have 0.2 % of it at least; pixels of
    other colours, such as edges that are smoothed and JPEG's noise, count to the region
    that lies nearest. EXIF rotation is applied; what is transparent is white.

    Args:
      given: of `source`.
      report: takes lines for the user.

    Raises:
      ImageError: a file that can't be read, or that has no flat areas or too many.
    """
    array = given.given
    if given.key.startswith("regions ") and isinstance(array, np.ndarray):
        if array.ndim == 3:
            return Map(tuple(map(str, range(array.shape[2]))), array)
        values, labels = np.unique(array, return_inverse=True)
        if len(values) > _MOST:
            raise _too_many(given.name, len(values))
        return Map(
            tuple(map(str, values)), labels.reshape(array.shape).astype(np.uint8)
        )
    notes: dict[str, None] = {}
    colours, opacity = masks.levels(given, notes.setdefault)
    if opacity is not None and opacity.min() < 1:
        notes["has transparency; composited on white"] = None
        colours = colours * opacity[..., None] + (1 - opacity[..., None])
    step = math.ceil(math.sqrt(colours.shape[0] * colours.shape[1] / _PIXELS))
    found = _snapped(np.rint(255 * colours[::step, ::step]), given.name, notes)
    if report is not None:
        for note in notes:
            report(f"{given.name}: {note}")
    return found


def _snapped(levels: np.ndarray, name: str, notes: dict[str, None]) -> Map:
    """The regions of a picture `[h, w, 3]` of whole numbers, 0 to 255."""
    flat = _flat(levels)
    packed = levels.astype(np.int64) @ [65536, 256, 1]
    chosen = _dominant(packed, flat, name)
    values, places = np.unique(packed, return_inverse=True)
    distances = np.stack([_apart(_unpacked(values), one) for one in _unpacked(chosen)])
    nearest, distance = distances.argmin(0), distances.min(0)
    at = places.reshape(packed.shape)
    known = (distance[at] == 0) | ((distance[at] <= _NEAR) & flat)
    labels = nearest[at]
    if not known.all():
        from scipy import ndimage  # Half a second, which few commands need.

        away, indices = ndimage.distance_transform_edt(~known, return_indices=True)
        labels = labels[tuple(indices)]
        if lost := int(np.count_nonzero(away > _LOST)):
            share = percent(lost / away.size)
            notes[
                f"{counted(lost, 'pixel')} ({share}) of colours with less than "
                f"{percent(_SHARE)} each go to the regions beside them"
            ] = None
    names = tuple(f"#{value:06x}" for value in chosen)
    return Map(names, labels.astype(np.uint8))


def _flat(levels: np.ndarray) -> np.ndarray:
    """Which pixels lie in 2 x 2 of one colour, `[h, w]` bool."""
    height, width, _ = levels.shape
    if min(height, width) < 2:
        return np.ones((height, width), bool)
    four = [
        levels[i : height - 1 + i, j : width - 1 + j] for i in (0, 1) for j in (0, 1)
    ]
    even = np.max(np.ptp(np.stack(four), axis=0), axis=-1) <= _EVEN
    flat = np.zeros((height, width), bool)
    for i in (0, 1):
        for j in (0, 1):
            flat[i : height - 1 + i, j : width - 1 + j] |= even
    return flat


def _dominant(packed: np.ndarray, flat: np.ndarray, name: str) -> list[int]:
    """The colours of regions, the most frequent of those that are nearly the same."""
    values, counts = np.unique(packed[flat], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    values, counts = values[order], counts[order]
    chosen: list[int] = []
    for _ in range(8 * _MOST):
        if not len(values):
            break
        near = _apart(_unpacked(values), _unpacked(values[:1])[0]) <= _NEAR
        if counts[near].sum() >= _SHARE * packed.size:
            chosen.append(int(values[0]))
        values, counts = values[~near], counts[~near]
    if len(chosen) > _MOST:
        raise _too_many(name, len(chosen))
    if not chosen:
        raise ImageError(
            f"{name}: has no flat areas: draw each region in one colour, without shades"
        )
    return sorted(chosen)


def _too_many(name: str, count: int) -> ImageError:
    return ImageError(
        f"{name}: has {count} regions or more, {_MOST} are the most: draw each in one "
        "flat colour"
    )


def _unpacked(values: Any) -> np.ndarray:
    values = np.asarray(values)
    return np.stack([values >> 16, values >> 8 & 255, values & 255], axis=-1)


def _apart(colours: np.ndarray, one: np.ndarray) -> np.ndarray:
    """Distances in OkLab of `[n, 3]` levels from one; 0 where few levels differ."""
    difference = oklab(colours / 255) - oklab(one / 255)
    close = np.abs(colours - one).max(-1) <= _LEVELS
    return np.where(close, 0, np.sqrt(np.sum(difference**2, axis=-1)))


def parsed(text: str) -> str:
    """A region's name as a user writes it: `red`, `#F00`, `ff0000`, or a label.

    Raises:
      OptionsError: it is none.
    """
    plain = text.strip().lower()
    plain = {"gray": "grey", "cyan": "lightblue", "magenta": "purple"}.get(plain, plain)
    if plain in NAMED:
        return NAMED[plain]
    if match := re.fullmatch("#?([0-9a-f]{6})|#([0-9a-f]{3})", plain):
        return f"#{match[1] or ''.join(2 * digit for digit in match[2])}"
    if re.fullmatch("-?[0-9]+", plain):
        return plain
    raise OptionsError(
        f"regions: {text!r} is no colour: give one such as #ff0000, or one of "
        f"{', '.join(NAMED)}"
    )


def rgb(name: str) -> np.ndarray | None:
    """The colour of a region, `[3]` in [0, 1]; None of a label."""
    is_colour = re.fullmatch("#[0-9a-f]{6}", name)
    return _unpacked(int(name[1:], 16)) / 255 if is_colour else None


def find(name: str, names: tuple[str, ...]) -> int | None:
    """The place of a region among others: by the same label, or the nearest colour.

    None: none is as near as JPEG leaves colours.
    """
    if name in names:
        return names.index(name)
    colours = [(rgb(one), place) for place, one in enumerate(names)]
    wanted = rgb(name)
    if wanted is None:
        return None
    levels = [
        (float(_apart(255 * colour[None], 255 * wanted)[0]), place)
        for colour, place in colours
        if colour is not None
    ]
    distance, place = min(levels, default=(math.inf, 0))
    return place if distance <= _NEAR else None


def called(name: str) -> str:
    """What lines call a region: `#ff0000 red`, or `region 2`."""
    if rgb(name) is None:
        return f"region {name}"
    near = find(name, tuple(NAMED.values()))
    return name if near is None else f"{name} {[*NAMED][near]}"


def percent(share: float) -> str:
    """A share as lines have it: `34 %`, `0.2 %`."""
    found = 100 * share
    return f"{found:.0f} %" if found >= 10 else f"{found:.2g} %"
