"""Which results of a batch share a program and a run."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import jax
from flax import nnx

from nst_jax.devices import memory
from nst_jax.images.frames import Shape
from nst_jax.transfer import sizes, verbs
from nst_jax.transfer.framing import Framing
from nst_jax.transfer.pictures import Pictures
from nst_jax.transfer.problem import Studio
from nst_jax.transfer.run import Run

# Pixels of all lanes together above which more of them no longer save time.
_ENOUGH = {"cpu": 2**16, "other": 2**22}


def _groups(places: Sequence[int], width: int) -> list[tuple[int, ...]]:
    return [tuple(places[i : i + width]) for i in range(0, len(places), width)]


class Plan:
    """Which results share a program, and a run.

    Results whose photos share a frame do; they are shared out equally to groups of at
    most so many lanes as help and fit.
    """

    def __init__(
        self,
        studio: Studio,
        network: nnx.Module,
        results: Mapping[int, Pictures],
        lanes: int | None,
    ):
        """Chooses the frames.

        Args:
          studio: that poses the problems.
          network: of the studio.
          results: pictures by their place in the batch.
          lanes: of a group; None for as many as help and fit.
        """
        self._studio, self._network = studio, network
        self._results, self._lanes = results, lanes
        self._scales = sizes.scales(next(iter(results.values())).options)
        sizes = [scale.size for scale in self._scales]
        self._framing = Framing(list(results.values()), sizes)
        # Of the groups whose run has fewer results than lanes, or one photo only.
        self._width: dict[tuple[int, ...], int] = {}
        self._share: dict[tuple[int, ...], bool] = {}

    def groups(self) -> Iterator[tuple[int, ...]]:
        """Places of results, in groups of lanes, in the order of their first ones."""
        frames: dict[Shape, list[int]] = {}
        for place, pictures in self._results.items():
            frames.setdefault(self._framing.frame(pictures), []).append(place)
        for frame, places in frames.items():
            count = math.ceil(len(places) / self._most(frame, places))
            width = math.ceil(len(places) / count)
            groups = _groups(places, width)
            share = all(self._one_photo(group) for group in groups)
            for group in groups:
                self._width[group], self._share[group] = width, share
                yield group

    def run(self, group: tuple[int, ...], places: Sequence[int]) -> Run:
        """The run of those `places` of a group; they are repeated to fill its lanes."""
        return self._run(places, self._width[group], self._share[group])

    def state_path(self, group: tuple[int, ...], folder: Path) -> Path:
        """Where the state of a group is kept: a name that tells groups apart."""
        seals = [
            verbs.fingerprint(self._results[place], self._network) for place in group
        ]
        digest = hashlib.sha256("".join(seals).encode()).hexdigest()
        return folder / f"{digest[:32]}.state"

    def _run(self, group: Sequence[int], width: int, share: bool) -> Run:
        pictures = [self._results[place] for place in group]
        pictures += [pictures[-1]] * (width - len(pictures))
        return Run(self._studio, self._framing, pictures, share=share)

    def _one_photo(self, group: Sequence[int]) -> bool:
        return len({id(self._results[place].content) for place in group}) == 1

    def _most(self, frame: Shape, places: Sequence[int]) -> int:
        if self._lanes is not None:
            return self._lanes
        pixels = frame[0] * frame[1]
        kind = "cpu" if jax.default_backend() == "cpu" else "other"
        most = max(1, min(_ENOUGH[kind] // pixels, len(places)))
        # Shared out equally, as `groups` will.
        most = math.ceil(len(places) / math.ceil(len(places) / most))

        def compiled(width: int) -> jax.stages.Compiled:
            groups = _groups(places, width)
            share = all(self._one_photo(group) for group in groups)
            run = self._run(groups[0], width, share)
            return run.program(run.stage(self._scales[-1]))

        return memory.fitting_lanes(most, compiled, memory.free_bytes())
