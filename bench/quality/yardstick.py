"""What a pair's pictures are measured by, and the scale of each measure.

Every measure is a distance, brought to a scale on which pairs and methods can be
compared. Of style 0 is as near to the painting as its own parts are to each other, 1 as
far as the photo; below 0 a picture is nearer than that, as copies are. Of patches (S2)
0 is the painting itself. Of content 0 is the photo, 1 the painting.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from bench.quality import artefacts, content, lpips
from bench.quality.eyes import SCALES, Eyes, Seen, shrunk
from bench.quality.gauges import Colours, Features, Gauge, Nearest
from nst_jax.errors import ImageError
from nst_jax.images import color, resize

VERSION = 1
"""Of the measures: figures of another version aren't compared."""

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "S1": "sliced 2-Wasserstein distance of features to the painting's",
        "S2": "nearest 3x3 patches of features, the worse of both ways",
        "S3": "sliced 2-Wasserstein distance of colours (OkLab)",
        "C1": "self-similarity of features, against the photo's",
        "C2": "LPIPS (VGG-16) to the photo",
        "C3": "1 - SSIM of the luminance's edges, against the photo's",
    }
)
"""The measures in words; S1, S2 and C1 are taken by each eye, and averaged."""

SMALLEST = 64
"""Pixels a side that a picture must have to be measured."""

_LEAST = 0.05  # Share of its distance that a photo's style must be above the floor.
_STYLE = (("S1", "style", Features), ("S2", "patches", Nearest))

Place = tuple[str, int, str]
"""Measure with eye, scale, tap."""


@dataclasses.dataclass(frozen=True)
class Scores:
    """The figures of a picture.

    Attributes:
      scaled: measures on the scale of the module, "S1" and "S1.vgg16", ...; None where
        the scale has no length, as the photo is like the painting already.
      raw: the distances themselves.
      artefacts: as `artefacts.counted` has them.
    """

    scaled: Mapping[str, float | None]
    raw: Mapping[str, float]
    artefacts: Mapping[str, float]


class Yardstick:
    """Measures pictures of one photo in the style of one painting.

    Attributes:
      floors: of each measure of style, see `gauges`.
      photos: the photo's own distances of style.
      paintings: the painting's distances of content from the photo.
    """

    def __init__(
        self,
        eyes: Eyes,
        layers: Sequence[np.ndarray],
        photo: np.ndarray,
        painting: np.ndarray,
    ):
        """Looks at the pair.

        Args:
          eyes: that look.
          layers: of LPIPS, see `lpips.heads`; () where no eye is asked for it.
          photo: `[h, w, 3]` in [0, 1], of the size at which pictures are measured.
          painting: `[h', w', 3]`, its strokes of the size that they are to have.

        Raises:
          ImageError: a picture of less than `SMALLEST` pixels a side.
        """
        for name, image in (("photo", photo), ("painting", painting)):
            if min(image.shape[:2]) < SMALLEST:
                raise ImageError(
                    f"{name} of {image.shape[1]}x{image.shape[0]} pixels: measured are "
                    f"{SMALLEST} a side or more; give a larger --size"
                )
        self._eyes, self._layers = eyes, layers
        self._photo, self._painting = photo, painting
        seen, model = eyes.see(photo), eyes.see(painting)
        makers = {measure: make for measure, _, make in _STYLE} | {"S3": Colours}
        views, mine = self._views(model, painting), self._views(seen, photo)
        self._gauges: dict[Place, Gauge] = {
            place: makers[place[0][:2]](view)
            for place, view in views.items()
            if place in mine
        }
        self._layouts = {
            place: content.self_similarity(view)
            for place, view in self._layout(seen).items()
        }
        self._features = self._of_lpips(seen)
        self._edges = content.edges(photo)
        self.floors = _means({place: one.floor for place, one in self._gauges.items()})
        self.photos = self._style(seen, photo)
        other = resize.resize(painting, photo.shape[:2])
        self.paintings = self._content(eyes.see(other), other)

    def __call__(self, picture: np.ndarray) -> Scores:
        """Measures a picture, `[h, w, 3]` in [0, 1], of the photo's shape."""
        seen = self._eyes.see(picture)
        style, kept = self._style(seen, picture), self._content(seen, picture)
        scaled = {name: self._on_scale(name, value) for name, value in style.items()}
        for name, value in kept.items():
            scaled[name] = value / max(self.paintings[name], 1e-9)
        return Scores(
            _with_all_eyes(scaled),
            {**style, **kept},
            artefacts.counted(picture, self._photo, self._painting),
        )

    def _on_scale(self, name: str, value: float) -> float | None:
        floor, photo = self.floors[name], self.photos[name]
        length = photo - floor
        return (value - floor) / length if length > _LEAST * photo else None

    def _style(self, seen: Seen, picture: np.ndarray) -> dict[str, float]:
        views = self._views(seen, picture)
        return _means({at: gauge(views[at]) for at, gauge in self._gauges.items()})

    def _content(self, seen: Seen, picture: np.ndarray) -> dict[str, float]:
        layouts = self._layout(seen)
        found = _means(
            {
                place: content.apart(content.self_similarity(layouts[place]), photo)
                for place, photo in self._layouts.items()
            }
        )
        if self._layers:
            features = self._of_lpips(seen)
            found["C2"] = lpips.distance(features, self._features, self._layers)
        found["C3"] = content.unlike(content.edges(picture), self._edges)
        return found

    def _views(self, seen: Seen, picture: np.ndarray) -> dict[Place, np.ndarray]:
        """The maps of which style is measured."""
        found = {}
        for measure, what, _ in _STYLE:
            found |= self._asked(seen, measure, what)
        for scale in SCALES:
            found["S3", scale, ""] = color.oklab(shrunk(picture, scale)).astype(
                np.float32
            )
        return found

    def _layout(self, seen: Seen) -> dict[Place, np.ndarray]:
        return self._asked(seen, "C1", "content")

    def _asked(self, seen: Seen, measure: str, what: str) -> dict[Place, np.ndarray]:
        return {
            (f"{measure}.{eye.name}", scale, tap): seen[eye.name, scale, tap]
            for eye in self._eyes.eyes
            for scale in SCALES
            for tap in getattr(eye, what)
            if (eye.name, scale, tap) in seen
        }

    def _of_lpips(self, seen: Seen) -> list[np.ndarray]:
        return [
            seen[eye.name, 1, tap]
            for eye in self._eyes.eyes
            for tap in eye.lpips
            if self._layers
        ]


def _means(values: Mapping[Place, float]) -> dict[str, float]:
    """Means over scales and taps, by measure and eye."""
    found: dict[str, list[float]] = {}
    for (name, _, _), value in values.items():
        found.setdefault(name, []).append(value)
    return {name: float(np.mean(several)) for name, several in found.items()}


def _with_all_eyes(scaled: dict[str, float | None]) -> dict[str, float | None]:
    """ "S1.vgg16", "S1.vgg19", ... -> their mean "S1" too."""
    found = dict(scaled)
    for measure in MEASURES:
        several = [v for n, v in scaled.items() if n.startswith(f"{measure}.")]
        known = [value for value in several if value is not None]
        if several:
            found[measure] = float(np.mean(known)) if known else None
    return found
