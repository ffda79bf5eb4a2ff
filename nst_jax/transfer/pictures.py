"""The pictures of jobs at a size: read, coloured, and put into frames they share."""

import dataclasses
import threading
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

import numpy as np

from nst_jax.fields import named
from nst_jax.images import color, resize
from nst_jax.images.frames import Shape
from nst_jax.images.source import Report, Source
from nst_jax.options import STARTS, Options, chosen
from nst_jax.perceptual.grey import is_grey
from nst_jax.perceptual.regions import Form
from nst_jax.transfer.cache import Cache
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.lanes import Framed, Lane
from nst_jax.transfer.masks import Masks, form_of
from nst_jax.transfer.sizes import (
    Frames,
    frames_of,
    own_frames,
    padded,
    ratio,
    side,
    sides,
    style_size,
    tall,
)

_KEPT = 2**28
"""Bytes of pixels that are kept beyond their use: 85 pictures of 512 x 512."""


@dataclasses.dataclass(frozen=True)
class Framing:
    """The frames of photos and paintings by their shapes and sizes, and the padded."""

    contents: Frames
    styles: Frames
    padded_contents: Collection[Shape]
    padded_styles: Collection[Shape]


class Pictures:
    """The pictures of jobs that share size, crop and pyramid.

    Photos that share a frame at the full size share one at every size; so do paintings.
    Frames follow from shapes alone; pixels are read when they are asked for.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        shapes: Mapping[str, Shape],
        report: Report | None = None,
        *,
        apart: bool = False,
        masks: Masks | None = None,
        framing: Framing | None = None,
        multiple: int = 1,
    ):
        """Chooses the frames.

        Args:
          jobs: all that are to share them, at least one.
          shapes: height and width of every source, by key.
          report: takes lines for the user, such as transparency in a picture.
          apart: no two shapes share a frame, so that nothing is padded and each picture
            is bit for bit what it is alone.
          masks: of these jobs, if they were looked at already.
          framing: of these jobs and others, if it is chosen already.
          multiple: of which heights of photos' frames are, in pixels.
        """
        self._shapes, self._report = shapes, report
        self._said: set[str] = set()
        self._grey: dict[tuple[str, str | None, int], bool] = {}
        self._keep, self._lock = Cache(_KEPT), threading.RLock()
        self.masks = masks or Masks(shapes, self.say)
        choose = own_frames if apart else frames_of
        self.framing = framing or self._framing(jobs, choose, multiple)

    def _framing(
        self, jobs: Sequence[Job], choose: Callable[..., Frames], multiple: int
    ) -> Framing:
        sizes = sides(jobs[0].options)
        photos = {job.content.key: self.full(job) for job in jobs}
        paintings = {
            (style.key, longest): (
                self._shape(style, job.options, longest[-1]),
                longest,
            )
            for job in jobs
            for longest in [tuple(style_size(size, job.options) for size in sizes)]
            for style in job.styles
        }
        contents = tall(choose([(shape, sizes) for shape in photos.values()]), multiple)
        styles = choose(list(paintings.values()))
        return Framing(contents, styles, padded(contents), padded(styles))

    @property
    def shapes(self) -> Mapping[str, Shape]:
        """Height and width of every source, by key."""
        return self._shapes

    def frame(self, job: Job, size: int | None = None) -> Shape:
        """Height and width of the frame of a job's photo; None: at the full size."""
        return self.framing.contents[self.full(job)][size or side(job.options)]

    def masked(self, job: Job, size: int) -> bool:
        """Whether programs for that frame have to be told extents."""
        return self.frame(job, size) in self.framing.padded_contents

    def form(self, job: Job) -> Form:
        """How a job's picture is divided, as programs have to know."""
        return form_of(self.masks.layout(job))

    def cropped(self, source: Source, options: Options) -> Shape:
        """A shape of the ratio of a source, or of its crop."""
        return ratio(options.crop) or self._shapes[source.key]

    def seen(self, job: Job) -> Hashable:
        """Tells the photos that the network sees from each other."""
        options = job.options
        grey = chosen(options, "color").grey
        return job.content.key, options.crop, side(options), grey

    def lane(self, job: Job, size: int) -> Lane:
        """The pictures of a job, framed, for a longest side of `size`."""
        content = Framed(
            (self.seen(job), size),
            resize.fit(*self.full(job), size),
            self.frame(job, size),
            self.masked(job, size),
            lambda: self._content(job, size),
        )
        styles = tuple(self._painting(style, job, size) for style in job.styles)
        return Lane(job, content, styles)

    def opened(self, lane: Lane) -> Lane:
        """A lane that holds all that its result needs, whatever becomes of the files.

        Raises:
          ImageError: a picture that can't be read.
        """
        job, options = lane.job, lane.job.options
        masks = self.masks.of(
            *(job, ratio(options.crop), self.full(job), lane.content.extent),
            [style.extent for style in lane.styles],
        )
        grey, opacity = self._is_grey(job), self._opacity(job)
        lane = dataclasses.replace(lane, grey=grey, opacity=opacity, masks=masks)
        if not _needs_photo(lane):
            return lane
        if chosen(options, "color").recolor:
            _ = [style.pixels for style in lane.styles]  # Read, and kept there.
        return dataclasses.replace(lane, photo=self._photo(job))

    def load(self, job: Job) -> None:
        """Reads what a job needs at its full size, and finds what can't be read.

        Raises:
          ImageError: a picture that can't be read.
        """
        self._photo(job)
        for style in job.styles:
            self._style(style, job.options)
        if job.start is not None:
            coarsest = sides(job.options)[0]
            self._sized(job.start, job.options, resize.fit(*self.full(job), coarsest))

    def start(self, lane: Lane, size: int) -> np.ndarray:
        """The picture to start from at a size, `[h, w, 3]` in [0, 1]."""
        return lane.toned(self._start(lane, size))

    def _start(self, lane: Lane, size: int) -> np.ndarray:
        job, shape = lane.job, lane.content.extent
        options, coloring = job.options, chosen(job.options, "color")
        if job.start is not None:
            start = self._sized(job.start, options, shape)
            if options.init == "style":
                return coloring.of_painting(start, self._content(job, size))
            return coloring.of_start(start)
        if options.init == "content":
            return self._content(job, size)
        if options.init == "details":
            return np.clip(_mean_colour(lane) + _details(lane), 0, 1)
        return named(STARTS, options.init)(np.random.default_rng(options.seed), shape)

    def enlarged(self, lane: Lane, image: np.ndarray, *, last: bool) -> np.ndarray:
        """A picture so far as the next size begins with it, `[h, w, 3]` in [0, 1].

        Args:
          lane: at that size.
          image: made at the size before.
          last: whether no larger size follows.
        """
        image = resize.resize(image, lane.content.extent)
        if last or lane.job.options.init != "details":
            return image
        return np.clip(image + _details(lane), 0, 1)

    def finished(self, lane: Lane, pixels: np.ndarray) -> np.ndarray:
        """An optimised image, `[*frame, 3]`, cut and coloured as it is shown."""
        image, options = lane.toned(lane.content.cut(pixels)), lane.job.options
        if not _needs_photo(lane):
            return image
        lane = self.opened(lane) if lane.photo is None else lane
        assert lane.photo is not None
        photo = resize.resize(lane.photo, image.shape[:2])
        after = chosen(options, "color_after")
        coloring = chosen(options, "color")

        def colored(places: Sequence[int]) -> np.ndarray:
            styles = [lane.styles[place] for place in places]
            seen = [style.cut(style.pixels) for style in styles]
            made = coloring.of_result(image, photo, seen, after=after)
            return lane.toned(made) if coloring.recolor else made

        shares = options.style_blend or (1.0,) * len(lane.styles)
        if lane.masks is None or not (coloring.recolor and lane.form.regions):
            image = colored([n for n, share in enumerate(shares) if share > 0])
        else:
            of = [[place for place, _ in region] for region in lane.masks.styles]
            some = [[n for n in places if shares[n] > 0] or places for places in of]
            image = lane.masks.joined([colored(places) for places in some])
        if lane.masks is None:
            return image
        return lane.masks.laid_over(lane.masks.recoloured(image, photo), photo)

    def full(self, job: Job) -> Shape:
        """Height and width of a job's picture at the full size."""
        return self._shape(job.content, job.options, side(job.options))

    def _shape(self, source: Source, options: Options, longest: int) -> Shape:
        """The shape that a source gets at a longest side."""
        return resize.fit(*self.cropped(source, options), longest)

    def _photo(self, job: Job) -> np.ndarray:
        return self._sized(job.content, job.options, self.full(job))

    def _opacity(self, job: Job) -> np.ndarray | None:
        if job.options.transparency != "keep":
            return None
        source, crop, size = job.content, job.options.crop, self.full(job)
        shape = self._shapes[source.key]
        found = self._keep(
            ("opacity", source.key, crop, size),
            lambda: source.opacity(shape=shape, ratio=ratio(crop), size=size),
        )
        if found.min() < 1:
            return found
        self.say(f"{source.name}: has no transparency to be kept")
        return None

    def _style(self, style: Source, options: Options) -> np.ndarray:
        base = style_size(side(options), options)
        return self._sized(style, options, self._shape(style, options, base))

    def _is_grey(self, job: Job) -> bool:
        options = job.options
        longest = style_size(side(options), options)
        seen = [
            (job.content, side(options)),
            *((style, longest) for style in job.styles),
        ]
        found = []
        for source, most in seen:
            key = source.key, options.crop, most
            if key not in self._grey:
                shape = self._shape(source, options, most)
                self._grey[key] = color.is_grey(self._sized(source, options, shape))
            found.append(self._grey[key])
        return is_grey(options, found[0], found[1:], self.form(job))

    def _content(self, job: Job, size: int) -> np.ndarray:
        coloring = chosen(job.options, "color")
        if size == side(job.options) and not coloring.grey:
            return self._photo(job)  # Kept already.
        return self._keep(
            (self.seen(job), size),
            lambda: resize.resize_longest(coloring.of_content(self._photo(job)), size),
        )

    def _painting(self, style: Source, job: Job, size: int) -> Framed:
        options, coloring = job.options, chosen(job.options, "color")
        base, longest = (style_size(n, options) for n in (side(options), size))
        full = self._shape(style, options, base)
        frame = self.framing.styles[full][longest]
        key: Hashable = style.key, options.crop, base, longest
        if coloring.match:
            key = key, job.content.key, side(options), size, options.color

        def load() -> np.ndarray:
            plain = resize.resize_longest(self._style(style, options), longest)
            if not coloring.match:
                return plain
            return coloring.of_painting(plain, self._content(job, size))

        kept = longest == base and not coloring.match  # By `_sized` already.
        return Framed(
            key,
            resize.fit(*full, longest),
            frame,
            masked=frame in self.framing.padded_styles,
            load=load if kept else lambda: self._keep(key, load),
        )

    def _sized(self, source: Source, options: Options, size: Shape) -> np.ndarray:
        """A picture cropped, and brought to a size."""

        def read() -> np.ndarray:
            return source.read(
                self.say,
                shape=self._shapes[source.key],
                ratio=ratio(options.crop),
                size=size,
            )

        return self._keep((source.key, options.crop, size), read)

    def say(self, line: str) -> None:
        """Gives a line to the user, if it is new."""
        # A picture is read for each of its sizes: the same lines come again.
        with self._lock:
            if self._report and line not in self._said:
                self._report(line)
            self._said.add(line)


def _details(lane: Lane) -> np.ndarray:
    return resize.details(lane.content.cut(lane.content.pixels))


def _mean_colour(lane: Lane) -> np.ndarray:
    """`[3]`, of the paintings by their shares."""
    shares = lane.job.options.style_blend or (1.0,) * len(lane.styles)
    means = [style.load().mean(axis=(0, 1)) for style in lane.styles]
    return np.average(means, axis=0, weights=shares).astype(np.float32)


def _needs_photo(lane: Lane) -> bool:
    """Whether a result has something of its photo's own pixels."""
    options = lane.job.options
    coloring = chosen(options, "color")
    recoloured = coloring.grey or coloring.recolor or chosen(options, "color_after")
    masked = lane.masks is not None and lane.masks.needs_photo
    return bool(recoloured or masked)
