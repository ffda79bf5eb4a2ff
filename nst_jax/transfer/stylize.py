"""The verbs: photos and paintings in, the photos repainted out."""

import contextlib
import os
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from nst_jax.display.bar import Bar
from nst_jax.errors import CheckpointError, NstError, OptionsError, counted
from nst_jax.images import files, outputs
from nst_jax.images.source import Report, Source
from nst_jax.networks.network import Network
from nst_jax.options import Options, changed
from nst_jax.transfer import idle, states
from nst_jax.transfer import jobs as asked
from nst_jax.transfer.batch import run_jobs
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.regions import Regions
from nst_jax.transfer.results import BatchProgress, Progress, Result

Picture = (
    str
    | os.PathLike
    | np.ndarray
    | jax.Array
    | Image.Image
    | bytes
    | typing.BinaryIO
    | Source
)
"""A file's path (`~` is the home), its bytes, or a file object; a PIL image; an array
`[h, w, 3]`, grey `[h, w]` or `[h, w, 1]`, or with alpha `[h, w, 4]`, sRGB, float in
[0, 1] or uint8. Alpha is composited on white."""


def stylize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    options: Options | None = None,
    *,
    masks: Picture | Sequence[Picture] = (),
    content_regions: Picture | None = None,
    style_regions: Picture | Sequence[Picture] = (),
    regions: Mapping[Any, Any] | None = None,
    keep_mask: Picture | None = None,
    color_mask: Picture | None = None,
    tile: int | None = None,
    solver_memory: str | None = None,
    devices: int | str = "auto",
    network: Network | None = None,
    offline: bool = False,
    progress: bool = False,
    on_progress: Callable[[Progress], bool | None] | None = None,
    every: Sequence[int] = (),
    state_file: str | os.PathLike | None = None,
    resume: bool = False,
    report: Report | None = None,
) -> Result:
    """Repaints `content` in the style of `styles` (Gatys et al. 2016).

    Args:
      content: the photo.
      styles: a painting, or several to blend.
      options: what to make and how.
      masks: one for each painting, of the photo: white, or 1, where it is painted like
        that; of any size.
      content_regions: the photo's regions: a picture with a flat colour for each, whole
        numbers `[h, w]`, or floats `[h, w, regions]`.
      style_regions: likewise of each painting one: equal colours or numbers match.
      regions: instead of those what regions of the photo are painted like, by colour
        (`"#ff0000"`, `"red"`) or number: the place of a painting, a list of several, or
        "photo", which is kept.
      keep_mask: white, or 1, where the photo is kept.
      color_mask: black, or 0, where the photo's colours are.
      tile: see `run_jobs`: side in pixels of the tiles in which larger pictures are
        seen; 0: never in any; default: where the memory is too small.
      solver_memory: see `run_jobs`: "host" or "device"; default: the host's where the
        device's is too small.
      devices: how many share the picture's rows; "auto": all where it is large.
      network: from `load_network`, to load it once for many pictures; default: the one
        that `options` names.
      offline: don't fetch the network's weights if they aren't stored.
      progress: draw a bar, in a terminal, a notebook, or wherever standard error goes.
      on_progress: called after each chunk of iterations; a true answer stops the run.
      every: `on_progress` is called at multiples of each of these, among others.
      state_file: where a run leaves its state now and then, and where it is stopped,
        and `resume` finds it; removed at the end. An earlier state is replaced, and
        no other file.
      resume: go on from `state_file`.
      report: takes lines for the user: a download, transparency in a picture, options
        other than the defaults that can't matter.

    Returns:
      The picture with the lowest loss, or the average that `options` ask for, and the
      losses.

    Raises:
      ImageError: a picture that can't be read, or a state_file that can't be written,
        or is one of the pictures.
      OptionsError: options that don't fit the pictures or the network.
      WeightsError, NetworkError: weights that are missing or don't fit.
      CheckpointError: nothing to resume from, the state of another run, or a
        state_file that is no state.
      DivergenceError: a loss that isn't finite at the start.
      NoRoomError: the device's memory is too small.
      DeviceError: the device isn't there, or fails.
    """
    options = _checked(options)
    paintings = _listed(styles)
    asked.check_options(options, len(paintings))
    asked.check_start(options)
    if resume and state_file is None:
        raise OptionsError("resume needs the state_file that a stopped run left")
    asked_for = Regions.of(
        masks=masks,
        content_regions=content_regions,
        style_regions=style_regions,
        regions=regions,
        keep_mask=keep_mask,
        color_mask=color_mask,
    )
    sources = Source.of(content), tuple(map(Source.of, paintings))
    job = Job(*sources, options, regions=asked_for)
    asked.check_regions(job)
    _report_idle([job], report)
    kept = None
    if state_file is not None:
        path = _place_of_state(state_file, job)
        kept = states.in_file(path, resume=resume, called="resume=True")

    with _bar(options.steps, progress) as draw:

        def show(made: BatchProgress) -> bool | None:
            (lane,) = made.lanes
            draw(made, f"loss {lane.loss:.6g}")
            return on_progress(lane) if on_progress else None

        ((_, outcome),) = run_jobs(
            [job],
            tile=tile,
            solver_memory=solver_memory,
            devices=str(devices),
            network=network,
            offline=offline,
            on_progress=show,
            every=every,
            states=kept,
            report=report,
        )
    if isinstance(outcome, NstError):
        raise outcome
    return outcome


def _place_of_state(state_file: str | os.PathLike, job: Job) -> Path:
    path = Path(files.expanded(state_file))
    outputs.check_place(path)
    outputs.check_apart([path], [source.key for source in job.sources])
    if path.exists() and path.stat().st_size and not asked.is_state(path):
        raise CheckpointError(
            f"{path}: is there, and not a saved run; choose another name"
        )
    return path


def _checked(options: Options | None) -> Options:
    if options is not None and not isinstance(options, Options):
        raise OptionsError(f"options={options!r:.60}: give nst_jax.Options(...)")
    return options or Options()


def stylize_batch(
    contents: Picture | Sequence[Picture],
    styles: Picture | Sequence[Picture | Sequence[Picture]],
    options: Options | None = None,
    *,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    masks: Sequence[Mapping[str, Any] | None] = (),
    lanes: int | None = None,
    tile: int | None = None,
    solver_memory: str | None = None,
    devices: int | str = "auto",
    network: Network | None = None,
    offline: bool = False,
    progress: bool = False,
    on_progress: Callable[[BatchProgress], bool | None] | None = None,
    on_result: Callable[[int, Result], None] | None = None,
    report: Report | None = None,
) -> list[Result]:
    """Repaints every photo in the style of every painting.

    The results are optimised side by side in one device program, which costs less than
    one after the other. Each is what `stylize` makes of its pair but for rounding,
    which an optimisation amplifies; by `lanes=1` it is that bit for bit.

    Args:
      contents: photos.
      styles: paintings; one that is a list itself is several, blended.
      options: of all results; where some paintings are blended, `style_blend` is of
        these only.
      sweep: options that vary, of `options.VARYING`, each with its values: every pair
        is made with every combination of them.
      masks: of each photo what `stylize` takes of masks, by name, such as
        `{"keep_mask": face}`; or None.
      lanes: results side by side; default: as many as help and as fit the memory.
      tile: as in `stylize`.
      solver_memory: likewise.
      devices: how many share the lanes, "4x2": 4 those, and 2 the rows of each;
        "auto": all.
      network: from `load_network`; default: the one that `options` name.
      offline: don't fetch the network's weights if they aren't stored.
      progress: draw a bar of all iterations, as in `stylize`.
      on_progress: called after each chunk of iterations; a true answer stops.
      on_result: called with the place in the list and the result as each is finished.
      report: takes lines for the user.

    Returns:
      Results by photo, then painting, then values of the sweep; of a stopped batch
      those that were finished.

    Raises:
      ImageError: a picture that can't be read; at once, or, where its file turns out to
        be damaged within, when the others are finished.
      OptionsError: options that don't fit, or that can't vary.
      WeightsError, NetworkError: weights that are missing or don't fit.
      DivergenceError: a loss that isn't finite at the start; raised when the others are
        finished.
      NoRoomError: the device's memory is too small.
      DeviceError: the device isn't there, or fails.
    """
    varied = asked.variations(_checked(options), sweep or {})
    jobs = _pairs(contents, styles, varied, masks)
    _report_idle(jobs, report, sweep or ())
    found: dict[int, Result] = {}
    wrong: NstError | None = None
    began = False
    with _bar(sum(job.options.steps for job in jobs), progress) as draw:

        def show(made: BatchProgress) -> bool | None:
            nonlocal began
            began = True
            draw(made, made.note)
            return on_progress(made) if on_progress else None

        for place, outcome in run_jobs(
            jobs,
            lanes=lanes,
            tile=tile,
            solver_memory=solver_memory,
            devices=str(devices),
            network=network,
            offline=offline,
            on_progress=show,
            report=report,
        ):
            if isinstance(outcome, NstError):
                wrong = wrong or outcome
                if not began:
                    raise outcome
            else:
                found[place] = outcome
                if on_result:
                    on_result(place, outcome)
    if wrong:
        raise wrong
    return [found[place] for place in sorted(found)]


def _report_idle(
    jobs: Sequence[Job], report: Report | None, sweep: Collection[str] = ()
) -> None:
    """Says which options change nothing; what was given by hand can't be told here."""
    if report and jobs:
        for line in idle.lines(jobs, changed(jobs[0].options), [sweep] * len(jobs)):
            report(line.replace("--", ""))


def _pairs(
    contents: Any,
    styles: Any,
    varied: Sequence[Options],
    masks: Sequence[Mapping[str, Any] | None],
) -> list[Job]:
    """Every photo in the style of every painting or blend, by all these options."""
    photos = [Source.of(photo) for photo in _listed(contents)]
    if masks and len(masks) != len(photos):
        raise OptionsError(
            f"masks are {len(masks)} for {counted(len(photos), 'photo')}: give for "
            "each a dictionary, or None"
        )
    divided = [Regions.of(**(of or {})) for of in masks or [None] * len(photos)]
    blends = [tuple(map(Source.of, _listed(style))) for style in _listed(styles)]
    for one in varied:
        asked.check_start(one)
    return asked.shared(
        [
            Job(photo, style, one, regions=of)
            for photo, of in zip(photos, divided, strict=True)
            for style in blends
            for one in varied
        ]
    )


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, list | tuple) else [given]


@contextlib.contextmanager
def _bar(steps: int, wanted: bool) -> Iterator[Callable[[BatchProgress, str], None]]:
    """What shows progress, with a note, in a bar of so many iterations if wanted."""
    if not wanted:
        yield lambda made, note: None
        return
    with Bar(steps) as bar:
        yield lambda made, note: bar.reach(made.made, note)
