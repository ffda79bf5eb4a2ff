"""A training with its folder: checkpoints, sheets of held-out photos, losses."""

import dataclasses
import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from nst_jax.errors import DivergenceError, ImageError, NstError
from nst_jax.feedforward import checkpoints, train
from nst_jax.feedforward.checkpoints import Checkpoint
from nst_jax.feedforward.data import Photos
from nst_jax.feedforward.log import Log
from nst_jax.feedforward.recipe import FOLDER, LOG, LOSSES, Recipe
from nst_jax.feedforward.train import Progress
from nst_jax.feedforward.transformer import TransformerNetwork
from nst_jax.images import files, resize
from nst_jax.networks.extract import digest_of
from nst_jax.networks.network import Network
from nst_jax.options import Options
from nst_jax.version import __version__
from weights_convert.stylizers import files as stored
from weights_convert.stylizers.stylizer import Stylizer

_PACE = 20  # Steps after which a budget of minutes sets how many there will be.


@dataclasses.dataclass(frozen=True)
class Task:
    """What is to be trained, plain data.

    Attributes:
      output: the network's file; the folder beside it, ending in .training, gets the
        checkpoints, sheets and losses.
      recipe: how.
      options: whose fields `recipe.LOSSES` say what for.
      paintings: by the name of the style.
      photos: to train on.
      heldout: photos that sheets show.
      minutes: to train for, in place of the recipe's steps; None: those.
      save_every: steps between checkpoints and sheets.
    """

    output: Path
    recipe: Recipe
    options: Options
    paintings: Mapping[str, Path]
    photos: Sequence[Path]
    heldout: Sequence[Path]
    minutes: float | None = None
    save_every: int = 500

    @property
    def folder(self) -> Path:
        """Where all that comes of it besides the network is."""
        return self.output.with_suffix(FOLDER)


class Training:
    """A task at work, begun, or gone on with from its last checkpoint.

    Attributes:
      steps: in all.
      made: of these.
      photos: that it is trained on.
    """

    def __init__(
        self, task: Task, network: Network, *, say: Callable[[str], None]
    ) -> None:
        """Reads the paintings and the held-out photos; looks for a checkpoint.

        Args:
          task: what is to be trained.
          network: that sees photos and pictures, from `load_network`.
          say: takes lines for the user.

        Raises:
          ImageError: a painting or held-out photo that can't be read.
          CheckpointError: the folder is of another training, or damaged.
          NstError: the folder can't be made.
        """
        self._task, self._say = task, say
        recipe = task.recipe
        paintings = [
            _painting(path, recipe.style_size, say) for path in task.paintings.values()
        ]
        self._heldout = [
            resize.square(files.read(p), recipe.size) for p in task.heldout
        ]
        self._architecture = recipe.architecture(len(paintings))
        first = train.initial(self._architecture, recipe.seed)
        graph, state = train.begin(TransformerNetwork(self._architecture, first))
        objective, self._wanted = train.wanted(
            task.options, network, paintings, steady=recipe.steady
        )
        self._plan = train.Plan(graph, objective, recipe.steady > 0)
        try:  # Once nothing else is wrong.
            task.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise NstError(f"{task.folder}: {error.strerror}") from error
        self._digest = _digest(task, paintings, digest_of(network))
        found = checkpoints.latest(task.folder, state, self._digest, say)
        self._state = found.state if found else state
        self.steps = found.steps if found else recipe.steps
        if found and task.minutes is None:
            self.steps = recipe.steps
        self._untimed = task.minutes is None or found is not None
        self.made = int(np.asarray(self._state.step))
        self._position = found.position if found else 0
        self.photos = Photos(
            task.photos,
            size=recipe.size,
            batch=recipe.batch,
            seed=recipe.seed,
            position=self._position,
        )
        if found:
            say(f"nst-jax: going on from step {self.made}")

    @property
    def finished(self) -> bool:
        """Whether all steps were made."""
        return self.made >= self.steps

    def run(self, show: Callable[[Progress], bool | None]) -> None:
        """Trains until all steps are made, or `show` answers true.

        Args:
          show: called after each step; a true answer stops, and what was made is kept.

        Raises:
          DivergenceError: a loss that is no number.
          ImageError: photos that can't be read, one after the other.
        """
        began = time.perf_counter()
        try:
            with Log(self._task.folder / LOG, made=self.made) as log:
                for progress in train.run(
                    self._task.recipe,
                    self._plan,
                    self._state,
                    self._wanted,
                    self.photos,
                    steps=lambda: self.steps,
                ):
                    self._state, self.made = progress.state, progress.step
                    self._position = progress.position
                    if not math.isfinite(progress.losses["total"]):
                        raise DivergenceError(
                            f"the loss is no number at step {progress.step}: try a "
                            "smaller --learning_rate; the checkpoints are kept"
                        )
                    self._set_steps(progress, began)
                    times = {"seconds": progress.seconds, "waited": progress.waited}
                    log.add(progress.step, progress.losses, times)
                    stopping = show(progress)
                    due = not progress.step % self._task.save_every
                    if stopping or due or self.finished:
                        self._keep()
                    if stopping:
                        return
        finally:
            self.photos.close()

    def write(self) -> None:
        """Writes the network as it is.

        Raises:
          WeightsError: it can't be written.
        """
        stored.save(
            self._task.output,
            Stylizer(
                self._architecture,
                train.arrays_of(self._plan, self._state),
                "nst_jax",
            ),
            {
                "network": self._task.output.stem,
                "source": f"trained by nst-jax for {self.made} steps on "
                f"{len(self._task.photos)} photos",
                "licence": "that of its painting and photos",
                "styles": json.dumps(list(self._task.paintings)),
                "recipe": json.dumps(self._recipe()),
                "converter": f"nst-jax {__version__}",
            },
            dtype="float16",
        )

    def _recipe(self) -> dict[str, Any]:
        """What was asked for: of the losses, what isn't the default of `Options`."""
        recipe = dataclasses.asdict(self._task.recipe)
        return {**recipe, "steps": self.steps, **_losses(self._task.options)}

    def _set_steps(self, progress: Progress, began: float) -> None:
        """Sets how many steps there will be, by the pace of the first."""
        if self._untimed:
            return
        if progress.step == 1:  # The step that compiles.
            self._first = progress.seconds
        elif progress.step == _PACE:
            assert self._task.minutes is not None
            pace = (progress.seconds - self._first) / (_PACE - 1)
            left = 60 * self._task.minutes - (time.perf_counter() - began)
            self.steps = _PACE + max(1, int(left / pace))
            self._untimed = True

    def _keep(self) -> None:
        """Writes a sheet and a checkpoint; a full disk is said, and not the end.

        The sheet first: what was made since a checkpoint is made again after a kill.
        """
        folder = self._task.folder
        sheet = folder / f"sheet_{self.made:07d}.png"
        try:
            files.write(sheet, self._sheet())
        except ImageError as error:
            self._say(f"nst-jax: {error}; the training goes on")
        try:
            found = Checkpoint(self._state, self._position, self.steps)
            checkpoints.save(folder, found, self._digest)
        except OSError as error:
            self._say(
                f"nst-jax: {folder}: no checkpoint of step {self.made} "
                f"({error.strerror}); the training goes on"
            )

    def _sheet(self) -> np.ndarray:
        """Held-out photos down, then each as every style paints it."""
        photos, count = np.stack(self._heldout), self._architecture.styles
        columns = [photos]
        for style in np.eye(count, dtype=np.float32):
            shares = np.tile(style, (len(photos), 1)) if count > 1 else None
            found = train.painted(self._plan, self._state.weights, photos, shares)
            columns.append(jax.device_get(found))
        return np.concatenate(list(np.concatenate(columns, axis=2)))


def _painting(path: Path, longest: int, say: Callable[[str], None]) -> np.ndarray:
    """A painting as it is learnt from; that it is enlarged is said."""
    image = files.read(path, report=say)
    found = resize.resize_longest(image, longest)
    if len(found) > len(image):
        (high, wide, _), (height, width, _) = found.shape, image.shape
        size = f"{width}x{height} pixels to {wide}x{high}"
        say(f"nst-jax: {path} is enlarged, from {size}: a larger one shows more")
    return found


def _losses(options: Options) -> dict[str, Any]:
    """What a network is trained for; how that is computed if it isn't by default."""
    values = {name: getattr(options, name) for name in LOSSES}
    if options.precision == Options.precision:
        del values["precision"]
    return values


def _digest(task: Task, paintings: Sequence[np.ndarray], weights: str) -> str:
    """Tells a training from others; --steps may grow, and options at their defaults
    have no part.
    """
    recipe = dataclasses.asdict(task.recipe)
    del recipe["steps"]
    names = [path.name for path in task.photos]
    losses = _losses(task.options)
    told = json.dumps([recipe, losses, names, weights, task.minutes is None])
    digest = hashlib.sha256(told.encode())
    for painting in paintings:
        digest.update(np.ascontiguousarray(painting).data)
    return digest.hexdigest()
