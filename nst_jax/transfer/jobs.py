"""What is asked for: jobs, their checks, and what tells one from another."""

import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import safetensors

from nst_jax.errors import OptionsError, counted
from nst_jax.fields import meant, unmet
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.options import (
    CONTENT,
    STARTS,
    STYLE,
    VARYING,
    Options,
    changed,
    chosen,
    joined,
)
from nst_jax.transfer.regions import Regions
from weights_convert import architectures

SCHEME = "3"
"""Version of `Job.digest`, and part of it. It has to change when a default does, as
options at their defaults have no part."""


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture that is asked for, plain data.

    Attributes:
      content: the photo.
      styles: the painting, or several to blend.
      options: of this picture.
      at: iterations at which it is wanted too, besides the last.
      regions: which part of the photo is painted like what; None: all of it like all.
    """

    content: Source
    styles: tuple[Source, ...]
    options: Options
    at: tuple[int, ...] = ()
    regions: Regions | None = None

    @property
    def start(self) -> Source | None:
        """The picture that `options.init` names, if it is one."""
        if self.options.init == "style":
            return self.styles[0]
        return None if self.options.init in STARTS else Source.of(self.options.init)

    @property
    def sources(self) -> tuple[Source, ...]:
        """All pictures that it is made of, each once."""
        start = () if self.start is None else (self.start,)
        masks = () if self.regions is None else self.regions.sources
        return tuple(dict.fromkeys((self.content, *self.styles, *start, *masks)))

    @property
    def mask_names(self) -> dict[str, Any]:
        """What the picture tells of its masks, by flag; see `Regions.names`."""
        return {} if self.regions is None else self.regions.names(self.styles)

    @property
    def trunk(self) -> "Job":
        """The job whose course this one's is as far as both go, however many steps.

        How its picture is written doesn't count.
        """
        kept: dict[str, Any] = {
            "bits": Options.bits,
            "transparency": Options.transparency,
        }
        if can_grow(self.options):
            kept["steps"] = 0
        options = dataclasses.replace(self.options, **kept)
        return dataclasses.replace(self, options=options, at=())

    def digest(self, contents: Mapping[str, str], weights: str) -> str:
        """What makes its last picture, as hex; another picture, another digest.

        It names states, lines of manifests, and what is done already. Options at their
        defaults have no part in it, so that a new option changes no digest of before.

        Args:
          contents: digests of the sources, by key; see `digests`.
          weights: digest of the network's weights.
        """
        options = {name: _exact(v) for name, v in changed(self.options).items()}
        if options.get("init") not in (None, *STARTS):
            options["init"] = contents[Source.of(self.options.init).key]
        styles = [contents[style.key] for style in self.styles]
        parts = [SCHEME, contents[self.content.key], styles, weights, options]
        if self.options.pyramid != 1 and decays(self.options):
            parts.append("decay over all sizes")  # Once it began anew at each.
        if self.regions is not None:
            parts.append(self.regions.about(contents))
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _exact(value: Any) -> Any:
    """A value as JSON has it, the same for 3 and 3.0."""
    if isinstance(value, tuple):
        return [_exact(item) for item in value]
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and abs(value) < 2**53 else value


def digests(jobs: Sequence[Any]) -> dict[str, str]:
    """The digest of every source that jobs are made of, by key; files are read."""
    sources = dict.fromkeys(source for job in jobs for source in job.sources)
    return {source.key: source.digest() for source in sources}


def can_grow(options: Options) -> bool:
    """Whether a run of other --steps is the same as far as both go."""
    one = options.pyramid == 1 and options.finish_loss == "none"
    return one and not decays(options)


def decays(options: Options) -> bool:
    """Whether the step size depends on how many steps there are."""
    decay = options.learning_rate_decay or chosen(options, "solver").decay
    return decay not in (None, "none")


def has_photos_colours(options: Options) -> bool:
    """Whether a result has the photo's colours everywhere, whatever a mask says."""
    return bool(chosen(options, "color").grey and not chosen(options, "color_after"))


def variations(options: Options, sweep: Mapping[str, Sequence[Any]]) -> list[Options]:
    """`options` with every combination of the sweep's values, the first slowest.

    Raises:
      OptionsError: an option that can't vary, no values, or a value not allowed.
    """
    for name, values in sweep.items():
        if name not in VARYING:
            raise OptionsError(
                f"{name} can't vary within a batch; these can: {', '.join(VARYING)}"
            )
        if not len(values):
            raise OptionsError(f"{name}: the sweep names no values")
    return [
        dataclasses.replace(options, **dict(zip(sweep, values, strict=True)))
        for values in itertools.product(*sweep.values())
    ]


def shared(jobs: Sequence[Job]) -> list[Job]:
    """Jobs whose shares are those of blends.

    Where some blend paintings, one with a painting by itself has no `style_blend`.
    """
    if all(len(job.styles) == 1 for job in jobs):
        return list(jobs)
    return [
        dataclasses.replace(
            job, options=dataclasses.replace(job.options, style_blend=())
        )
        if len(job.styles) == 1
        else job
        for job in jobs
    ]


def check(jobs: Sequence[Job], lanes: int | None = None) -> None:
    """Raises if these jobs couldn't be done together, whatever their pictures are.

    Args:
      jobs: whose options may differ in `VARYING` only.
      lanes: side by side, if that is given.

    Raises:
      OptionsError: no jobs, or options that don't fit or that can't vary.
      NetworkError: an unknown network or tap.
    """
    if lanes is not None and lanes < 1:
        raise OptionsError(f"lanes={lanes} is out of range: give 1 or more")
    if not jobs:
        raise OptionsError("the batch is empty: name photos and paintings")
    first = jobs[0].options
    for job in jobs:
        check_options(job.options, len(job.styles))
        check_regions(job)
        for field in dataclasses.fields(Options):
            values = getattr(first, field.name), getattr(job.options, field.name)
            if field.name not in VARYING and values[0] != values[1]:
                raise OptionsError(
                    f"{field.name} can't vary within a batch: {values[0]} and "
                    f"{values[1]}"
                )


def check_options(options: Options, paintings: int) -> None:
    """Raises if `options` don't fit the network or the number of paintings.

    Raises:
      OptionsError: no painting; blend shares for another number of paintings; no loss
        that weighs anything.
      NetworkError: an unknown network or tap.
    """
    architecture = architectures.find(options.network)
    for of_pass in _passes(options):
        for kind in ("content", "style"):
            taps = getattr(of_pass, f"{kind}_taps")
            if joined(of_pass, kind):
                taps = tuple(tap for tap in taps if tap != "image")
                _check_joined(of_pass, kind)
            architecture.check_taps(taps)
    if paintings < 1:
        raise OptionsError("no painting given: name one or more style pictures")
    check_shares(options.style_blend, paintings)
    drawn = "neighbors_split" in (options.style_loss, options.finish_loss)
    if drawn and options.solver == "lbfgs":
        name = (
            "style_loss" if options.style_loss == "neighbors_split" else "finish_loss"
        )
        raise OptionsError(
            f"{name}=neighbors_split draws positions anew at each step, which lbfgs "
            "takes for another picture: give solver=adam"
        )
    content, style = unmet(CONTENT, options), unmet(STYLE, options)
    others = options.tv_weight or options.edge_weight
    if content and style and not others and options.steps:
        raise OptionsError(
            f"nothing would change the picture: {content}, {style}, tv_weight and "
            "edge_weight leave all losses without weight; give a weight above 0, or "
            "--steps=0"
        )


def _passes(options: Options) -> list[Options]:
    """Options of the passes of a run, which differ in the style loss."""
    if options.finish_loss == "none":
        return [options]
    return [options, dataclasses.replace(options, style_loss=options.finish_loss)]


def _check_joined(options: Options, kind: str) -> None:
    """Raises `OptionsError` if options don't fit taps that are one vector."""
    if getattr(options, f"{kind}_tap_weights"):
        raise OptionsError(
            f"{kind}_tap_weights: with features=hypercolumns all {kind} taps are one "
            "vector: leave the factors out, or give features=taps"
        )
    if options.solver == "lbfgs" and options.steps:
        raise OptionsError(
            "solver=lbfgs: features=hypercolumns has other places at each step, and "
            "L-BFGS needs one function: give solver=rmsprop or adam"
        )


def check_regions(job: Job) -> None:
    """Raises `OptionsError` if a job's regions don't fit its paintings or options."""
    if job.regions is None:
        return
    job.regions.check(len(job.styles))
    if not job.regions.divides:
        return
    # Said by its name, as what it stands for would bring JAX.
    losses = {one.style_loss for one in _passes(job.options)}
    if "gram" in losses and job.options.gram == "caffe":
        raise OptionsError(
            f"gram={job.options.gram} divides the painting's Gram matrix by pixels of "
            "the picture, which regions have fewer of: give another gram with masks"
        )


def check_shares(shares: Sequence[float], paintings: int) -> None:
    """Raises `OptionsError` if there are shares, but not one for each painting."""
    if shares and len(shares) != paintings:
        raise OptionsError(
            f"style_blend has {counted(len(shares), 'share')} for "
            f"{counted(paintings, 'painting')}; give one for each"
        )


def is_state(path: str | os.PathLike) -> bool:
    """Whether a file is what a stopped run left, by whatever version."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return bool({"digest", "fingerprint"} & (file.metadata() or {}).keys())
    except (OSError, safetensors.SafetensorError):
        return False


def check_start(options: Options) -> None:
    """Raises `OptionsError` if `init` is no start, and no file either."""
    if options.init not in STARTS and not os.path.exists(files.expanded(options.init)):
        near = meant("init", options.init, STARTS).strip()
        raise OptionsError(
            f"init={options.init!r} is neither {', '.join(STARTS)} nor a file"
            f"{f'; {near}' if near else ''}"
        )
