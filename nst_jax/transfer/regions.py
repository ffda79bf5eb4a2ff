"""Which part of a photo is painted like which painting: asked for, and found."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nst_jax.errors import ImageError, OptionsError, counted
from nst_jax.images import regions as maps
from nst_jax.images.masks import source as source_of
from nst_jax.images.regions import Map
from nst_jax.images.source import Source


@dataclasses.dataclass(frozen=True)
class Regions:
    """Masks of a photo and its paintings, before they are read; plain data.

    Attributes:
      masks: of the photo, grey, one for each painting: where it is painted like that.
      content: a map of the photo's regions.
      styles: of each painting one; regions of one colour belong together.
      assigned: instead of those the places of a region's paintings, by its name; none:
        the photo is kept there.
      keep: a mask of what is kept of the photo.
      color: a mask of where the result has colours of its own, and not the photo's.
    """

    masks: tuple[Source, ...] = ()
    content: Source | None = None
    styles: tuple[Source, ...] = ()
    assigned: tuple[tuple[str, tuple[int, ...]], ...] = ()
    keep: Source | None = None
    color: Source | None = None

    @classmethod
    def of(
        cls,
        *,
        masks: Any = (),
        content_regions: Any = None,
        style_regions: Any = (),
        regions: Mapping[Any, Any] | None = None,
        keep_mask: Any = None,
        color_mask: Any = None,
    ) -> "Regions | None":
        """What a caller asks for; None: nothing.

        Args:
          masks: one, or a list of one for each painting: pictures as `Source.of` takes
            them, or truth values `[h, w]`.
          content_regions: of the photo, as `images.regions.source` takes it.
          style_regions: likewise, one, or a list of one for each painting.
          regions: by colour or label the place of a painting, or several, or "photo".
          keep_mask: a mask.
          color_mask: likewise.

        Raises:
          ImageError: what is no mask or map.
          OptionsError: what is no colour, or no painting.
        """
        found = cls(
            tuple(source_of(one) for one in _several(masks)),
            None if content_regions is None else maps.source(content_regions),
            tuple(maps.source(one) for one in _several(style_regions)),
            tuple(
                (maps.parsed(f"{name}"), _places(name, given))
                for name, given in (regions or {}).items()
            ),
            None if keep_mask is None else source_of(keep_mask),
            None if color_mask is None else source_of(color_mask),
        )
        return None if found == cls() else found

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that is read."""
        further = self.content, self.keep, self.color
        given = (one for one in further if one is not None)
        return (*self.masks, *self.styles, *given)

    @property
    def divides(self) -> bool:
        """Whether losses look through masks: not those of colours alone."""
        return bool(self.masks or self.content or self.keep)

    def about(self, contents: Mapping[str, str]) -> dict[str, Any]:
        """What tells it from others, for `Job.digest`; empty for what isn't given."""
        one = {"content": self.content, "keep": self.keep, "color": self.color}
        many = {"masks": self.masks, "styles": self.styles}
        return {
            **{name: contents[of.key] for name, of in one.items() if of is not None},
            **{name: [contents[s.key] for s in of] for name, of in many.items() if of},
            **({"assigned": self.assigned} if self.assigned else {}),
        }

    def names(self, paintings: Sequence[Source]) -> dict[str, Any]:
        """What pictures tell of it, by flag; empty for what isn't given.

        `{"content_mask": "map.png", "regions": {"#ff0000": ["a.jpg"]}}`; an array is
        called by its digest.
        """
        single = {"content": self.content, "keep": self.keep, "color": self.color}
        lists = {"mask": self.masks, "style_mask": self.styles}
        found: dict[str, Any] = {
            name: [one.name for one in of] for name, of in lists.items() if of
        }
        found |= {f"{k}_mask": one.name for k, one in single.items() if one}
        if self.assigned:
            found["regions"] = {
                name: [paintings[place].name for place in places] or "photo"
                for name, places in self.assigned
            }
        return found

    def check(self, paintings: int) -> None:
        """Raises `OptionsError` if its parts don't fit together, or the paintings."""
        if self.masks and self.content:
            raise OptionsError("mask and content_mask both say where: give one of them")
        for name, of in (("mask", self.masks), ("style_mask", self.styles)):
            if of and len(of) != paintings:
                raise OptionsError(
                    f"{name} has {counted(len(of), 'mask')} for "
                    f"{counted(paintings, 'painting')}; give one for each"
                )
        ways = [name for name, of in self._ways if of]
        if ways and not self.content:
            raise OptionsError(f"{ways[0]} needs content_mask, the photo's regions")
        if self.content and len(ways) != 1:
            raise OptionsError(
                "content_mask says where; what is painted there is for one of "
                "style_mask, the paintings' regions, and regions, colours and paintings"
            )
        self._check_assigned(paintings)

    @property
    def _ways(self) -> list[tuple[str, Sequence[Any]]]:
        return [("style_mask", self.styles), ("regions", self.assigned)]

    def _check_assigned(self, paintings: int) -> None:
        names = [name for name, _ in self.assigned]
        if twice := [name for name in names if names.count(name) > 1]:
            raise OptionsError(f"regions: {maps.called(twice[0])} is named twice")
        used = {place for _, places in self.assigned for place in places}
        if beyond := used - set(range(paintings)):
            raise OptionsError(
                f"regions: there is no painting {max(beyond)}: of "
                f"{counted(paintings, 'painting')} the first is 0"
            )
        if self.assigned and (left := set(range(paintings)) - used):
            raise OptionsError(
                f"regions: painting {min(left) + 1} is in no region: name it, or leave "
                "it out"
            )


@dataclasses.dataclass(frozen=True)
class Region:
    """A part of a photo that is painted.

    Attributes:
      name: what lines call it.
      place: among the masks, or the regions of the photo's map; None: all that isn't
        kept.
      paintings: that it is painted like: the place of each, and the place of the region
        of its map, or None for the whole painting.
    """

    name: str
    place: int | None
    paintings: tuple[tuple[int, int | None], ...]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a photo is divided.

    Attributes:
      regions: that are painted apart; none: the whole picture is.
      kept: places of regions of the photo's map that are kept.
      keeps: whether something is kept by a mask.
      recolours: whether colours of the photo are, by a mask.
    """

    regions: tuple[Region, ...]
    kept: tuple[int, ...] = ()
    keeps: bool = False
    recolours: bool = False


def layout(
    asked: Regions,
    paintings: int,
    unmatched: str,
    *,
    mask: Callable[[Source], np.ndarray],
    regions: Callable[[Source], Map],
) -> Layout:
    """How a photo is divided, once its masks are read.

    A white mask of the only painting divides nothing, nor does a black one of what is
    kept, or a white one of colours.

    Args:
      asked: what is asked for.
      paintings: how many there are.
      unmatched: what becomes of a region without a painting, as in `Options`.
      mask: reads a mask.
      regions: reads a map.

    Raises:
      ImageError: what can't be read, is empty, or doesn't match.
    """
    keeps = _keeps(asked.keep, mask)
    recolours = asked.color is not None and bool(mask(asked.color).min() < 1)
    found: list[Region] = []
    kept: list[int] = []
    for place, source in enumerate(asked.masks):
        pixels = mask(source)
        if not pixels.max() > 0:
            raise ImageError(
                f"{source.name}: the mask is black everywhere: nothing would be like "
                f"painting {place + 1}; white is where it counts"
            )
        if paintings > 1 or pixels.min() < 1:
            found.append(Region(source.name, place, ((place, None),)))
    if asked.content:
        found, kept = _by_map(asked, asked.content, unmatched, regions)
        if not found:
            raise ImageError(f"{asked.content.name}: all of the photo would be kept")
    if keeps and not found:
        whole = tuple((place, None) for place in range(paintings))
        found = [Region("what is painted", None, whole)]
    return Layout(tuple(found), tuple(kept), keeps, recolours)


def _several(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


def _places(name: Any, given: Any) -> tuple[int, ...]:
    """Places of the paintings of a region; none where the photo is kept."""
    if isinstance(given, str) and given == "photo":
        return ()
    places = tuple(_several(given))
    if not places or not all(
        isinstance(one, int | np.integer) and not isinstance(one, bool) and one >= 0
        for one in places
    ):
        raise OptionsError(
            f"regions: {name}: {given!r} is no painting: give its place, from 0, "
            'several of them, or "photo"'
        )
    return tuple(map(int, places))


def _keeps(source: Source | None, mask: Callable[[Source], np.ndarray]) -> bool:
    if source is None:
        return False
    pixels = mask(source)
    if pixels.min() >= 1:
        raise ImageError(
            f"{source.name}: the mask is white everywhere: all of the photo would be "
            "kept; black is what is painted"
        )
    return bool(pixels.max() > 0)


def _by_map(
    asked: Regions,
    content: Source,
    unmatched: str,
    read: Callable[[Source], Map],
) -> tuple[list[Region], list[int]]:
    """Regions that are painted, and places of those that are kept."""
    names = read(content).names
    others = [read(style).names for style in asked.styles]
    likes = _assigned(asked, names, content) if asked.assigned else {}
    found, kept = [], []
    for place, name in enumerate(names):
        places = [(k, maps.find(name, of)) for k, of in enumerate(others)]
        paintings = likes.get(place, tuple(p for p in places if p[1] is not None))
        if not paintings and place not in likes and unmatched == "error":
            where = ", ".join(s.name for s in asked.styles) or "regions"
            raise _unmatched(f"{content.name}: {maps.called(name)}", where)
        if not paintings and place not in likes and unmatched == "first":
            paintings = ((0, None),)
        if paintings:
            found.append(Region(maps.called(name), place, paintings))
        else:
            kept.append(place)
    for source, of in zip(asked.styles, others, strict=True):
        alone = [name for name in of if maps.find(name, names) is None]
        if alone and unmatched == "error":
            raise _unmatched(f"{source.name}: {maps.called(alone[0])}", content.name)
        if len(alone) == len(of):
            raise ImageError(
                f"{source.name}: has none of the colours of {content.name}: "
                f"{_listed(names)}"
            )
    return found, kept


def _assigned(
    asked: Regions, names: tuple[str, ...], content: Source
) -> dict[int, tuple[tuple[int, None], ...]]:
    """The paintings of regions of a map, by their places in it."""
    likes: dict[int, tuple[tuple[int, None], ...]] = {}
    for name, paintings in asked.assigned:
        place = maps.find(name, names)
        if place is None:
            raise ImageError(
                f"{content.name}: has no {maps.called(name)}, as regions say; it has "
                f"{_listed(names)}"
            )
        if place in likes:
            raise ImageError(
                f"{content.name}: regions name {maps.called(names[place])} twice, the "
                f"second time as {maps.called(name)}; name each region once"
            )
        likes[place] = tuple((painting, None) for painting in paintings)
    return likes


def _unmatched(region: str, where: str) -> ImageError:
    return ImageError(
        f"{region} is not in {where}: give it there too, or unmatched=photo, which "
        "keeps the photo there, or unmatched=first, which paints it like the first "
        "painting"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(maps.called(name) for name in names)
