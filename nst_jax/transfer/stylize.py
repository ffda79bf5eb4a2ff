"""The verbs: photos and paintings in, the photos repainted out."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from nst_jax.errors import NstError, OptionsError
from nst_jax.images import outputs
from nst_jax.images.source import Report, Source
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.transfer import jobs as asked
from nst_jax.transfer import states
from nst_jax.transfer.batch import BatchProgress, run_jobs
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.results import Progress, Result

Picture = str | os.PathLike | np.ndarray | jax.Array | Source
"""A file's path, or float `[h, w, 3]`, sRGB in [0, 1]."""


def stylize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    options: Options | None = None,
    *,
    network: Network | None = None,
    offline: bool = False,
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
      network: from `load_network`, to load it once for many pictures; default: the one
        that `options` names.
      offline: don't fetch the network's weights if they aren't stored.
      on_progress: called after each chunk of iterations; a true answer stops the run.
      every: `on_progress` is called at multiples of each of these, among others.
      state_file: where a stopped run leaves its state, and `resume` finds it.
      resume: go on from `state_file`.
      report: takes lines for the user: a download, transparency in a picture.

    Returns:
      The picture with the lowest loss, and the losses.

    Raises:
      ImageError: a picture that can't be read, or a state_file that can't be written,
        or is one of the pictures.
      OptionsError: options that don't fit the pictures or the network.
      WeightsError, NetworkError: weights that are missing or don't fit.
      CheckpointError: nothing to resume from, or the state of another run.
      DivergenceError: a loss that isn't finite at the start.
      NoRoomError: the device's memory is too small.
    """
    options = options or Options()
    paintings: Sequence[Any] = styles if isinstance(styles, list | tuple) else [styles]
    asked.check_options(options, len(paintings))
    asked.check_start(options)
    if resume and state_file is None:
        raise OptionsError("resume needs the state_file that a stopped run left")
    job = Job(Source.of(content), tuple(map(Source.of, paintings)), options)
    if state_file is not None:
        outputs.check_place(state_file)
        outputs.check_apart([state_file], [source.key for source in job.sources])

    def show(progress: BatchProgress) -> bool | None:
        return on_progress(progress.lanes[0]) if on_progress else None

    ((_, outcome),) = run_jobs(
        [job],
        network=network,
        offline=offline,
        on_progress=show,
        every=every,
        states=states.in_file(Path(state_file), resume=resume) if state_file else None,
        report=report,
    )
    if isinstance(outcome, NstError):
        raise outcome
    return outcome


def stylize_batch(
    contents: Picture | Sequence[Picture],
    styles: Picture | Sequence[Picture],
    options: Options | None = None,
    *,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    lanes: int | None = None,
    network: Network | None = None,
    offline: bool = False,
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
      styles: paintings.
      options: of all results.
      sweep: options that vary, of `options.VARYING`, each with its values: every pair
        is made with every combination of them.
      lanes: results side by side; default: as many as help and as fit the memory.
      network: from `load_network`; default: the one that `options` name.
      offline: don't fetch the network's weights if they aren't stored.
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
    """
    photos, paintings = (
        [
            Source.of(one)
            for one in (given if isinstance(given, list | tuple) else [given])
        ]
        for given in (contents, styles)
    )
    varied = asked.variations(options or Options(), sweep or {})
    for one in varied:
        asked.check_start(one)
    jobs = [Job(c, (s,), one) for c in photos for s in paintings for one in varied]
    found: dict[int, Result] = {}
    wrong: NstError | None = None
    began = False

    def show(progress: BatchProgress) -> bool | None:
        nonlocal began
        began = True
        return on_progress(progress) if on_progress else None

    for place, outcome in run_jobs(
        jobs,
        lanes=lanes,
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
