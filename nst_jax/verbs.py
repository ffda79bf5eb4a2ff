"""The verbs: a photo and paintings in, the photo repainted out."""

import dataclasses
import functools
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import weights_convert.fetch
import weights_convert.store
from nst_jax import __version__
from nst_jax.images import files, resize
from nst_jax.networks import registry, tables
from nst_jax.optimize import checkpoint, engine
from nst_jax.optimize.solvers import solver as make_solver
from nst_jax.options import Options, OptionsError
from nst_jax.problem import pose, resolve_precision

Picture = str | os.PathLike | np.ndarray | jax.Array
"""A file's path, or float `[h, w, 3]`, sRGB in [0, 1]."""

Report = Callable[[str], None]

_STARTS = ("content", "style", "noise")


@dataclasses.dataclass(frozen=True)
class Result:
    """A finished picture and how it came about.

    Attributes:
      image: `[h, w, 3]` float32, sRGB in [0, 1]: the iterate of the lowest loss.
      loss: its total loss.
      losses: `[n]` float32, the total loss of every iteration, of a resumed run those
        since it was resumed; `seconds` likewise.
      iterations: updates made, fewer than asked for if the run was stopped.
      seconds: of optimising, compilation left out.
      compile_seconds: of compiling.
      events: lines about what went wrong and was answered, such as a divergence.
      options: that made it.
    """

    image: np.ndarray
    loss: float
    losses: np.ndarray
    iterations: int
    seconds: float
    compile_seconds: float
    events: tuple[str, ...]
    options: Options

    def save(self, path: str | os.PathLike) -> None:
        """Writes PNG, JPEG, WebP or TIFF by the ending, with `description` inside.

        Raises:
          ImageError: another ending, or a folder that can't be written to.
        """
        files.write(path, self.image, description=self.description())

    def description(self) -> dict[str, Any]:
        """What made the picture: options, versions, device, final loss."""
        return {
            "options": dataclasses.asdict(self.options),
            "loss": self.loss,
            "iterations": self.iterations,
            "versions": {
                "nst_jax": __version__,
                "jax": jax.__version__,
                "python": platform.python_version(),
            },
            "device": jax.devices()[0].device_kind,
        }


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
      name: in `networks.tables.NETWORKS`.
      pooling: "max" or "avg".
      precision: as in `Options`.
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      NetworkError: an unknown name.
      WeightsError: weights that can't be fetched or don't fit.
    """
    registry.table(name)
    weights_convert.fetch.fetch(name, report=report or _ignore, offline=offline)
    weights, _ = weights_convert.store.load(name)
    return registry.build(
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
    if network is not None:
        _check_network(network, options)
    pictures = _Pictures.read(content, paintings, options, report)
    if network is None:
        network = load_network(
            options.network,
            pooling=options.pooling,
            precision=options.precision,
            offline=offline,
            report=report,
        )
    objective, problem = pose(pictures.content, pictures.styles, options, network)
    solver = make_solver(options)
    begin = functools.partial(engine.start, solver)
    fingerprint = pictures.fingerprint(options, network)
    if resume:
        like = jax.eval_shape(begin, pictures.start)
        state = checkpoint.load(_path(state_file), like, fingerprint)
        if (made := int(state.iteration) - 1) >= options.steps:
            raise OptionsError(
                f"steps={options.steps}: the stopped run made {made} already; give more"
            )
    else:
        state = begin(jnp.asarray(pictures.start))

    losses: list[np.ndarray] = []
    events: list[str] = []
    for progress in engine.run(
        objective, problem, solver, state, steps=options.steps, every=every
    ):
        losses.append(progress.losses)
        events += [progress.event] if progress.event else []
        stop = on_progress(progress) if on_progress else False
        if stop:
            break
    if state_file is not None:
        path = _path(state_file)
        if progress.iteration >= options.steps:
            path.unlink(missing_ok=True)
        else:
            _save_state(path, progress.state, fingerprint, report or _ignore)
    return Result(
        image=progress.image(),
        loss=progress.best_loss,
        losses=np.concatenate(losses),
        iterations=progress.iteration,
        seconds=progress.seconds,
        compile_seconds=progress.compile_seconds,
        events=tuple(events),
        options=options,
    )


def _check_network(network: Any, options: Options) -> None:
    is_for = (network.table.name, network.pooling)
    if network.table.name in tables.NETWORKS and is_for != (
        options.network,
        options.pooling,
    ):
        raise OptionsError(
            f"network is {is_for[0]} with {is_for[1]} pooling, but the options say "
            f"{options.network} with {options.pooling} pooling"
        )


def _save_state(
    path: Path, state: engine.State, fingerprint: str, report: Report
) -> None:
    # The picture matters more: it must not be lost with a state that doesn't fit.
    try:
        checkpoint.save(path, state, fingerprint)
    except (OSError, MemoryError) as error:
        report(f"{path}: not written ({error}); the run can't be resumed")


def check(options: Options, paintings: int) -> None:
    """Raises if `options` don't fit the network or the number of paintings.

    Raises:
      OptionsError: no painting; blend shares for another number of paintings; a start
        that is no file.
      NetworkError: an unknown network or tap.
    """
    registry.check_taps(options.network, options.content_taps + options.style_taps)
    if paintings < 1:
        raise OptionsError("no painting given: name one or more style pictures")
    if options.style_blend and len(options.style_blend) != paintings:
        raise OptionsError(
            f"style_blend has {len(options.style_blend)} shares for {paintings} "
            "paintings; give one for each"
        )
    if options.init not in _STARTS and not os.path.exists(options.init):
        raise OptionsError(
            f"init={options.init!r} is neither {', '.join(_STARTS)} nor a file"
        )


@dataclasses.dataclass(frozen=True)
class _Pictures:
    """The pictures of a run at their working sizes, `[h, w, 3]` in [0, 1]."""

    content: np.ndarray
    styles: Sequence[np.ndarray]
    start: np.ndarray

    @classmethod
    def read(
        cls,
        content: Picture,
        styles: Sequence[Picture],
        options: Options,
        report: Report | None,
    ) -> "_Pictures":
        photo = resize.resize_longest(_read(content, report), options.size)
        longest = max(1, round(options.size * options.style_scale))
        paintings = [_read(style, report) for style in styles]
        sized = [resize.resize_longest(painting, longest) for painting in paintings]
        return cls(photo, sized, _start(photo, paintings, options, report))

    def fingerprint(self, options: Options, network: nnx.Module) -> str:
        """Tells runs apart that give other results; --steps may grow on resuming."""
        digest = hashlib.sha256()
        fields = dataclasses.asdict(options)
        if make_solver(options) is make_solver(dataclasses.replace(options, steps=0)):
            del fields["steps"]
        digest.update(json.dumps(fields).encode())
        for picture in (self.content, *self.styles, self.start):
            digest.update(np.ascontiguousarray(picture).tobytes())
        # The biases tell copies of a network apart, and are few.
        for leaf in jax.tree.leaves(network):
            if leaf.ndim == 1:
                digest.update(np.asarray(leaf).tobytes())
        return digest.hexdigest()


def _start(
    photo: np.ndarray,
    paintings: Sequence[np.ndarray],
    options: Options,
    report: Report | None,
) -> np.ndarray:
    height, width, _ = photo.shape
    if options.init == "content":
        return photo
    if options.init == "noise":
        return np.random.default_rng(options.seed).random(photo.shape, np.float32)
    if options.init == "style":
        return resize.resize(paintings[0], (height, width))
    return resize.resize(_read(options.init, report), (height, width))


def _read(picture: Picture, report: Report | None) -> np.ndarray:
    if isinstance(picture, str | os.PathLike):
        return files.read(picture, report=report)
    picture = np.asarray(picture)
    fits = picture.ndim == 3 and picture.shape[2] == 3 and picture.size > 0
    if not fits or picture.dtype.kind != "f":
        raise files.ImageError(
            f"array of shape {picture.shape} and dtype {picture.dtype}: a picture is "
            "float [h, w, 3], sRGB in [0, 1] (divide uint8 values by 255)"
        )
    if not (np.isfinite(picture).all() and 0 <= picture.min() <= picture.max() <= 1):
        raise files.ImageError("array values outside of [0, 1]: divide them by 255?")
    return picture.astype(np.float32)


def _path(state_file: str | os.PathLike | None) -> Path:
    if state_file is None:
        raise OptionsError("resume needs the state_file that a stopped run left")
    return Path(state_file)


def _ignore(line: str) -> None:
    """Drops a line for the user."""
