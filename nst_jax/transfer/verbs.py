"""The verbs: a photo and paintings in, the photo repainted out."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

import weights_convert.fetch
import weights_convert.store
from nst_jax.networks import extract
from nst_jax.optimize import checkpoint, engine
from nst_jax.optimize.solvers import solver as make_solver
from nst_jax.options import Options, OptionsError, check_start
from nst_jax.transfer import sizes
from nst_jax.transfer.framing import Framing
from nst_jax.transfer.pictures import Picture, Pictures, Reader, Report
from nst_jax.transfer.problem import Studio, resolve_precision
from nst_jax.transfer.results import Result, gather
from nst_jax.transfer.run import Resumed, Run
from weights_convert import architectures


def load_network(
    name: str = "vgg19",
    *,
    pooling: str = "max",
    precision: str = "auto",
    offline: bool = False,
    report: Report | None = None,
) -> nnx.Module:
    """A pretrained network from the store; its weights are fetched on first use.

    Args:
      name: in `networks.architectures.NETWORKS`.
      pooling: "max", "avg", "max_ceil" or "avg_ceil", as in `Options`.
      precision: as in `Options`.
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      NetworkError: an unknown name.
      WeightsError: weights that can't be fetched or don't fit.
    """
    extract.table(name)
    weights_convert.fetch.fetch(name, report=report or ignore, offline=offline)
    weights, _ = weights_convert.store.load(name)
    return extract.build(
        name, weights, pooling=pooling, precision=resolve_precision(precision)
    )


def stylize(
    content: Picture,
    styles: Picture | Sequence[Picture],
    options: Options | None = None,
    *,
    network: nnx.Module | None = None,
    offline: bool = False,
    on_progress: Callable[[engine.Progress], bool | None] | None = None,
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
      ImageError: a picture that can't be read.
      OptionsError: options that don't fit the pictures or the network.
      WeightsError, NetworkError: weights that are missing or don't fit.
      CheckpointError: nothing to resume from, or the state of another run.
      DivergenceError: a loss that isn't finite at the start.
    """
    options = options or Options()
    paintings: Sequence[Any]
    paintings = styles if isinstance(styles, list | tuple) else [styles]
    check(options, len(paintings))
    check_start(options)
    if network is not None:
        check_network(network, options)
    pictures = Reader(report).read(content, paintings, options)
    if network is None:
        network = network_of(options, offline=offline, report=report)
    sizes = [scale.size for scale in sizes.scales(options)]
    run = Run(Studio(network, options), Framing([pictures], sizes), [pictures])
    seal = fingerprint(pictures, network)

    resumed = _resumed(run, _path(state_file), seal) if resume else None

    def stop(lanes: tuple[engine.Progress, ...]) -> bool | None:
        return on_progress(lanes[0]) if on_progress else None

    chunks = run.chunks(every=every, resumed=resumed)
    (result,), state = gather([options], chunks, stop)
    if isinstance(result, engine.DivergenceError):
        raise result
    if state_file is not None:
        going_on = None if result.finished else state
        if problem := checkpoint.keep(_path(state_file), going_on, seal):
            (report or ignore)(f"{problem}; the run can't be resumed")
    return result


def network_of(options: Options, *, offline: bool, report: Report | None) -> nnx.Module:
    """The network that `options` name; see `load_network`."""
    return load_network(
        options.network,
        pooling=options.pooling,
        precision=options.precision,
        offline=offline,
        report=report,
    )


def _resumed(run: Run, path: Path, seal: str) -> Resumed:
    try:
        return run.load(path, seal)
    except checkpoint.SpentError as error:
        steps = run.scales[-1].until
        raise OptionsError(
            f"steps={steps}: the stopped run made {error.made} already; give more"
        ) from None


def fingerprint(pictures: Pictures, network: nnx.Module) -> str:
    """Tells runs apart that give other results; --steps may grow on resuming."""
    options, digest = pictures.options, hashlib.sha256()
    fields = dataclasses.asdict(options)
    if can_grow(options):
        del fields["steps"]
    digest.update(json.dumps(fields).encode())
    start = () if pictures.start is None else (pictures.start,)
    for picture in (pictures.content, *pictures.styles, *start):
        digest.update(np.ascontiguousarray(picture).tobytes())
    # The biases tell copies of a network apart, and are few.
    for leaf in jax.tree.leaves(network):
        if leaf.ndim == 1:
            digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def can_grow(options: Options) -> bool:
    """Whether a run of other --steps is the same as far as both go."""
    grown = dataclasses.replace(options, steps=0)
    return options.pyramid == 1 and make_solver(options) is make_solver(grown)


def check_network(network: Any, options: Options) -> None:
    """Raises `OptionsError` if a loaded network is not the one that `options` name."""
    is_for = (network.table.name, network.pooling)
    if network.table.name in architectures.NETWORKS and is_for != (
        options.network,
        options.pooling,
    ):
        raise OptionsError(
            f"network is {is_for[0]} with {is_for[1]} pooling, but the options say "
            f"{options.network} with {options.pooling} pooling"
        )


def check(options: Options, paintings: int) -> None:
    """Raises if `options` don't fit the network or the number of paintings.

    Raises:
      OptionsError: no painting; blend shares for another number of paintings.
      NetworkError: an unknown network or tap.
    """
    extract.check_taps(options.network, options.content_taps + options.style_taps)
    if paintings < 1:
        raise OptionsError("no painting given: name one or more style pictures")
    if options.style_blend and len(options.style_blend) != paintings:
        raise OptionsError(
            f"style_blend has {len(options.style_blend)} shares for {paintings} "
            "paintings; give one for each"
        )


def _path(state_file: str | os.PathLike | None) -> Path:
    if state_file is None:
        raise OptionsError("resume needs the state_file that a stopped run left")
    return Path(state_file)


def ignore(line: str) -> None:
    """Drops a line for the user."""
