"""The masks of jobs at a size: read, brought to the pictures' shapes, made soft."""

import dataclasses
import functools
from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np

from nst_jax.errors import ImageError
from nst_jax.images import color, masks, regions
from nst_jax.images.frames import Shape
from nst_jax.images.regions import Map
from nst_jax.images.source import Report, Source
from nst_jax.perceptual.regions import Form
from nst_jax.transfer.cache import Cache
from nst_jax.transfer.jobs import Job, has_photos_colours
from nst_jax.transfer.regions import Layout, Region, Regions, layout

_KEPT = 2**28
"""Bytes of masks that are kept beyond their use."""


@dataclasses.dataclass(frozen=True)
class Mask:
    """A mask of a painting, `[h, w]` at its size; its identity is the key."""

    key: Hashable
    pixels: np.ndarray = dataclasses.field(compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Masked:
    """How the picture of a lane is divided, at its size.

    Attributes:
      names: of the regions, for lines.
      regions: `[r, h, w]` float32 in [0, 1], what each place counts in each.
      painted: `[h, w]`, the share of each place that isn't kept; None: nothing is.
      styles: of each region the places of its paintings, with the part of each that
        counts; None: all of it.
      own: `[h, w]`, the share of its own colours in the result, the rest are the
        photo's; None: it has its own everywhere.
    """

    names: tuple[str, ...]
    regions: np.ndarray = dataclasses.field(repr=False)
    painted: np.ndarray | None = dataclasses.field(repr=False)
    styles: tuple[tuple[tuple[int, Mask | None], ...], ...]
    own: np.ndarray | None = dataclasses.field(default=None, repr=False)

    @property
    def form(self) -> Form:
        """What programs have to know."""
        return Form(len(self.regions), self.painted is not None)

    @property
    def needs_photo(self) -> bool:
        """Whether a result has anything of the photo's own pixels."""
        return self.painted is not None or self.own is not None

    def recoloured(self, image: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """A result `[h, w, 3]` with the photo's colours where those are kept."""
        return image if self.own is None else color.by_mask(image, photo, self.own)

    def laid_over(self, image: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """A result `[h, w, 3]` with the photo where that is kept."""
        if self.painted is None:
            return image
        share = self.painted[..., None]
        return share * image + (1 - share) * photo


def form_of(found: Layout) -> Form:
    """What programs have to know of how a photo is divided."""
    return Form(len(found.regions), found.keeps or bool(found.kept))


class Masks:
    """The masks of jobs that share size, crop and pyramid."""

    def __init__(self, shapes: Mapping[str, Shape], report: Report | None = None):
        """Reads nothing yet.

        Args:
          shapes: height and width of every source, by key.
          report: takes lines for the user.
        """
        self._shapes, self._report, self._keep = shapes, report, Cache(_KEPT)
        self._layouts: dict[Hashable, Layout] = {}
        self._maps = functools.lru_cache(16)(self._read_map)

    def layout(self, job: Job) -> Layout:
        """How a job's photo is divided.

        Raises:
          ImageError: masks that can't be read, are of other shapes, or don't match.
        """
        asked, unmatched = job.regions, job.options.unmatched
        if asked is None:
            return Layout(())
        key = asked, job.content, job.styles, unmatched
        if key not in self._layouts:
            self._check_shapes(asked, job)
            self._layouts[key] = layout(
                *(asked, len(job.styles), unmatched),
                mask=self._mask,
                regions=self._maps,
            )
        return self._layouts[key]

    def wrong(
        self, jobs: Sequence[Job], known: Collection[int]
    ) -> dict[int, ImageError]:
        """What is wrong with masks, by the places of jobs.

        Args:
          jobs: all of a batch.
          known: places of those that fail for something else.
        """
        found: dict[int, ImageError] = {}
        for place, job in enumerate(jobs):
            if place not in known:
                try:
                    self.layout(job)
                except ImageError as error:
                    found[place] = error
        return found

    def of(
        self, job: Job, ratio: Shape | None, full: Shape, shape: Shape, styles: Sequence
    ) -> Masked | None:
        """How a lane's picture is divided; None: not at all.

        Args:
          job: of the lane.
          ratio: of height to width, that pictures are cropped to; None: not at all.
          full: height and width of the photo at the full size.
          shape: those at the lane's.
          styles: those of the paintings at the lane's.

        Raises:
          ImageError: as from `layout`; or a region of which nothing is left.
        """
        found, asked = self.layout(job), job.regions
        if asked is None or not (found.regions or found.recolours):
            return None
        feather = job.options.mask_feather
        names = [region.name for region in found.regions]
        whole = self._keep(
            (asked, found, ratio, full, feather),
            lambda: _full(self._sized(found, asked, ratio, full), feather),
        )
        for name, mask in zip(names, whole[:-1], strict=True):
            if not mask.max() > 0:
                what = (
                    "keep_mask keeps all of it" if asked.keep else "it is cropped away"
                )
                raise ImageError(
                    f"{name}: nothing of that region is left to paint, as {what}: "
                    "leave the region out, or change that"
                )
        sized = np.stack([masks.area(mask, shape) for mask in whole])
        return Masked(
            tuple(names),
            sized[:-1],
            sized[-1] if form_of(found).keeps else None,
            tuple(
                tuple(
                    (place, self._of_painting(asked, place, part, ratio, styles[place]))
                    for place, part in region.paintings
                )
                for region in found.regions
            ),
            self._own(job, ratio, full, shape) if found.recolours else None,
        )

    def _own(
        self, job: Job, ratio: Shape | None, full: Shape, shape: Shape
    ) -> np.ndarray | None:
        """Where a result has its own colours; None: nothing has others."""
        if has_photos_colours(job.options) or not (job.regions and job.regions.color):
            return None
        sized = masks.sized(self._mask(job.regions.color), ratio, full)
        return masks.area(masks.feathered(sized, job.options.mask_feather), shape)

    def lines(self, job: Job) -> list[str]:
        """What there is, a line a region: `#ff0000 red: 34 % of the photo`."""
        found, asked = self.layout(job), job.regions
        if asked is None:
            return []
        lines = [
            f"{region.name}: {self._share(asked, region.place)} of the photo, "
            f"{self._likes(asked, region)}"
            for region in found.regions
            if region.place is not None
        ]
        if asked.content:
            names = self._maps(asked.content).names
            lines += [
                f"{regions.called(names[place])}: {self._share(asked, place)} of the "
                "photo, kept"
                for place in found.kept
            ]
        if found.keeps and asked.keep:
            share = _percent(self._mask(asked.keep))
            lines.append(f"{asked.keep.name}: {share} of the photo, kept")
        if found.recolours and asked.color:
            share = _percent(1 - self._mask(asked.color))
            lines.append(f"{asked.color.name}: {share} of the photo keeps its colours")
        return lines

    def _share(self, asked: Regions, place: int) -> str:
        if asked.content:
            return _percent(self._maps(asked.content).mask(place))
        return _percent(self._mask(asked.masks[place]))

    def _likes(self, asked: Regions, region: Region) -> str:
        parts = [
            f"painting {place + 1}"
            if part is None
            else f"{_percent(self._maps(asked.styles[place]).mask(part))} of painting "
            f"{place + 1}"
            for place, part in region.paintings
        ]
        return " and ".join(parts)

    def _sized(
        self, found: Layout, asked: Regions, ratio: Shape | None, shape: Shape
    ) -> list[np.ndarray]:
        """Masks of the regions, and of all that is painted, `[*shape]` each."""

        def of(place: int) -> np.ndarray:
            if asked.content:
                mask = self._maps(asked.content).mask(place)
            else:
                mask = self._mask(asked.masks[place])
            return masks.sized(mask, ratio, shape)

        free = np.ones(shape, np.float32)
        if found.keeps and asked.keep:
            free = 1 - masks.sized(self._mask(asked.keep), ratio, shape)
        painted = free
        for place in found.kept:
            painted = painted - free * np.minimum(of(place), 1)
        return [
            *(
                painted if region.place is None else free * of(region.place)
                for region in found.regions
            ),
            np.clip(painted, 0, 1),
        ]

    def _of_painting(
        self,
        asked: Regions,
        place: int,
        part: int | None,
        ratio: Shape | None,
        shape: Shape,
    ) -> Mask | None:
        if part is None:
            return None
        source = asked.styles[place]
        mask = masks.sized(self._maps(source).mask(part), ratio, shape)
        return Mask((source.key, part, ratio, shape), mask)

    def _check_shapes(self, asked: Regions, job: Job) -> None:
        further = asked.content, asked.keep, asked.color
        photo = [*asked.masks, *(one for one in further if one)]
        pairs = [(mask, job.content, "the photo") for mask in photo]
        pairs += [
            (mask, style, f"painting {place + 1}" if job.styles[1:] else "the painting")
            for place, (mask, style) in enumerate(
                zip(asked.styles, job.styles, strict=False)
            )
        ]
        for mask, picture, of in pairs:
            shapes = self._shapes[mask.key], self._shapes[picture.key]
            masks.check_shape(mask.name, *shapes, of)

    def _mask(self, source: Source) -> np.ndarray:
        return self._keep(
            ("mask", source.key), lambda: masks.read(source, self._report)
        )

    def _read_map(self, source: Source) -> Map:
        return regions.read(source, self._report)


def _full(sized: Sequence[np.ndarray], feather: float) -> np.ndarray:
    """Masks of regions and, last, of what is painted, `[r + 1, h, w]`, made soft.

    Those of regions are scaled together, so that they add up to 1 where they do most:
    a darker grey in all of them changes nothing.
    """
    soft = np.stack([masks.feathered(mask, feather) for mask in sized])
    most = soft[:-1].sum(0).max()
    if most > 0:
        soft[:-1] /= most
    return soft


def _percent(mask: np.ndarray) -> str:
    return regions.percent(float(mask.mean()))
