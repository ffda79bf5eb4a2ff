"""Terms, weighted and summed.

`Objective` is the recipe (which terms at which taps), static and hashable; targets and
weights are data, traced, so that changing them recompiles nothing. All here is about
one picture, and about views, whatever network gave them.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from nst_jax.losses.column import Column
from nst_jax.losses.terms import Term
from nst_jax.losses.view import View

IMAGE = "image"
"""The tap that is the picture itself, as sRGB in [0, 1]."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A term at a tap.

    Attributes:
      name: of its value and its weight, such as "style/relu1_1".
      term: the loss.
      tap: whose view it looks at, or `IMAGE`, or `HYPERCOLUMN`. With a `column` the
        image says which of its places count.
      wants: whose statistic is its target: "content", "style", or "" for none.
      mask: through which of the picture's masks it looks; "": through none.
      column: the taps of hypercolumns, if it looks at these, `IMAGE` may be among them.
      strides: of these taps, if their places are drawn from the image.
    """

    name: str
    term: Term
    tap: str
    wants: str
    mask: str = ""
    column: tuple[str, ...] = ()
    strides: tuple[int, ...] = ()

    @property
    def draws(self) -> bool:
        """Whether it looks at a `Column`, whose places are drawn."""
        return bool(self.column) and self.tap == IMAGE

    def view(self, views: Mapping[str, View]) -> Any:
        """What it looks at: a `View`, or a `Column`.

        Args:
          views: by `seen`; of taps and of the image.
        """
        own = views[self.seen]
        if not self.draws:
            return own
        maps = [_centred(views[t]) if t == IMAGE else views[t] for t in self.column]
        return Column(own, tuple(maps), self.strides)

    @property
    def follows(self) -> bool:
        """Whether its target follows from the picture that a size begins with."""
        return bool(getattr(self.term, "follows", False))

    @property
    def fresh(self) -> bool:
        """Whether its term draws positions anew at each step."""
        return bool(getattr(self.term, "fresh", False))

    @property
    def seen(self) -> str:
        """The name of the view that it looks at: its tap, or "relu1_1/2" of a mask."""
        return f"{self.tap}/{self.mask}" if self.mask else self.tap


@dataclasses.dataclass(frozen=True)
class Objective:
    """A sum of parts (Gatys et al. 2016, eq. 7).

    Attributes:
      parts: with distinct names.
    """

    parts: tuple[Part, ...]

    def taps(self, *wants: str) -> tuple[str, ...]:
        """The network's taps that parts look at, each once; of all parts by default."""
        found = [
            tap
            for part in self.wanting(*wants)
            for tap in part.column or (part.tap,)
            if tap != IMAGE
        ]
        return tuple(dict.fromkeys(found))

    def views(self, *wants: str) -> tuple[str, ...]:
        """The views that parts look at, but through no mask; as `taps` else."""
        return tuple(dict.fromkeys(part.tap for part in self.wanting(*wants)))

    def wanting(self, *wants: str) -> tuple[Part, ...]:
        """The parts whose targets are of these; all by default."""
        return tuple(p for p in self.parts if not wants or p.wants in wants)

    @property
    def follows(self) -> bool:
        """Whether targets follow from the picture that a size begins with."""
        return any(part.follows for part in self.parts)

    @property
    def fresh(self) -> bool:
        """Whether terms draw positions anew at each step."""
        return any(part.draws or part.fresh for part in self.parts)

    def statistics(self, views: Mapping[str, View], *wants: str) -> dict[str, Any]:
        """Statistics `{name: ...}` of one picture, for the parts that want it.

        Args:
          views: by `Part.seen`, as far as these parts look at them.
          wants: as in `Part`; all parts by default.
        """
        return {
            part.name: part.term.statistic(part.view(views))
            for part in self.wanting(*wants)
        }

    def blend(
        self, targets: Sequence[Mapping[str, Any]], shares: Sequence[float]
    ) -> dict[str, Any]:
        """Targets between those of several pictures.

        Args:
          targets: from `statistics`, one for each picture.
          shares: one for each, 0 or more, not all 0; they are divided by their sum.
        """
        shares = [share / sum(shares) for share in shares]
        return {
            part.name: part.term.blend([of[part.name] for of in targets], shares)
            for part in self.parts
            if part.name in targets[0]
        }

    def __call__(
        self,
        statistics: Mapping[str, Any],
        targets: Mapping[str, Any],
        weights: Mapping[str, jax.Array],
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """The total loss of a picture and its weighted parts, which add up to it.

        Args:
          statistics: of the picture, of all parts.
          targets: by name, from `blend`.
          weights: float32 scalars by name.

        Returns:
          `(total, {name: loss})`, float32 scalars.
        """
        return self.weighed(
            {
                part.name: part.term.distance(
                    statistics[part.name], targets.get(part.name)
                )
                for part in self.parts
            },
            weights,
        )

    def weighed(
        self, distances: Mapping[str, jax.Array], weights: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Of distances by name of a part: `(total, {name: loss})`, as a call gives."""
        found = {p.name: weights[p.name] * distances[p.name] for p in self.parts}
        return jnp.sum(jnp.stack(list(found.values()))), found


def _centred(image: View) -> View:
    """Pixels around 0, as STROTSS's code has them in its hypercolumns."""
    return dataclasses.replace(image, features=image.features - 0.5)
