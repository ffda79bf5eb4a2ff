"""What a loss is: a statistic of a view, and its distance from what is asked for."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import jax.numpy as jnp

from nst_jax.losses.view import View


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sums:
    """Weighted sums over positions, and the count that makes means of them.

    Attributes:
      values: an array or a tree of them.
      count: float32 scalar.
    """

    values: Any
    count: jax.Array


class Term(Protocol):
    """One loss, of one view.

    A term is a frozen dataclass whose fields are named after the options that set them
    and have what these stand for (`options.chosen`); a style loss is a file with one,
    and its line among the choices of `Options.style_loss`.

    Attributes:
      additive: whether statistics of parts of a picture, leaf by leaf, add up to that
        of the whole, as weighted sums and counts do. Tiles, shards and hosts need it.

    One whose statistic adds up only of parts with enough places has another that always
    does, `gathered`, in the form that `distance` and `blend` take too.
    A term that draws positions anew where its view has a `draw` says `fresh = True`;
    one whose targets are found for the picture that a size begins with `follows = True`
    (`losses/neighbors.py`).
    """

    additive: ClassVar[bool]

    def statistic(self, view: View) -> Any:
        """What counts of a view of one picture, `[h, w, c]`: a tree of arrays."""
        ...

    def distance(self, statistic: Any, target: Any) -> jax.Array:
        """How far a statistic is from what is asked for: float32, 0 or more.

        Args:
          statistic: of the picture that is optimised.
          target: from `blend`; None for terms that want nothing alike.
        """
        ...

    def blend(self, targets: Sequence[Any], shares: Sequence[float]) -> Any:
        """What pictures ask for: a target between theirs, computed once for a run.

        Args:
          targets: statistics, one or more.
          shares: one for each, 0 or more, with sum 1.
        """
        ...


@runtime_checkable
class Fitting(Term, Protocol):
    """A term whose targets have to be brought to one form for several pictures."""

    def fitted(self, target: Any, shape: tuple[int, int], turns: int) -> Any:
        """A target, from `blend`, in the form that a tap asks for.

        Args:
          target: of paintings of any shapes.
          shape: height and width of the tap, of the picture that is made.
          turns: ways that each painting is turned.
        """
        ...


@runtime_checkable
class Placed(Term, Protocol):
    """A term whose distance is of sums over places, each compared with its own.

    So it adds up over parts of a picture too, beside the same parts of the photo.
    """

    def compared(self, view: View, target: View) -> Sums:
        """What adds up over parts of a picture, of a part of it and of the photo."""
        ...

    def amount(self, sums: Sums) -> jax.Array:
        """The distance, of the sums of all parts."""
        ...


def mean(trees: Sequence[Any], shares: Sequence[float]) -> Any:
    """The weighted mean of trees of arrays; shares have sum 1."""

    def of_leaves(*leaves: jax.Array) -> jax.Array:
        parts = (share * leaf for share, leaf in zip(shares, leaves, strict=True))
        return sum(parts, start=jnp.zeros_like(leaves[0]))

    return jax.tree.map(of_leaves, *trees)
