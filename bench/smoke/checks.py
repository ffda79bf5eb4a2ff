"""What is asked of pictures that were painted: `runs.Runs`, or what is like it."""

from typing import Protocol

import numpy as np

from bench.smoke.outcome import WrongError
from bench.smoke.runs import LANES, Painted

_AGREE = {"first": 0.01, "last": 0.02}
"""Of a loss by which precisions may differ, by Adam, whose steps are all alike: float32
and bfloat16 were 0.4 % apart after 13 iterations on a CPU. L-BFGS amplifies rounding by
random weights: 3 % on a CPU; TF32's last loss was 2.7 times float32's on an H200."""
_ROUNDING = 2e-3
"""Of the first losses, for one picture alone and beside others."""
_FEW = 3
"""Iterations in which rounding isn't amplified yet; later losses were 5 % apart."""
_PAINTED = 1.5 / 255
"""Mean of the pixels' differences, where only the rounding differs."""
_AMPLIFIED = 12 / 255
"""The same after an optimisation."""
_FALLS = 0.995
"""Of the first loss that is left at most after a run. By random weights most of `w2` is
out of reach: in bfloat16 0.993 of it was left after 13 iterations on an H200."""


class Paints(Protocol):
    """What paints for the checks; see `runs.Runs`."""

    def alone(
        self,
        precision: str = ...,
        *,
        solver: str = ...,
        style_loss: str = ...,
        painting: int = ...,
    ) -> Painted:
        """One picture."""

    def together(self, precision: str = ...) -> list[Painted]:
        """Several side by side."""

    def one_pass(self, precision: str, count: int) -> np.ndarray:
        """Several by a style network, `[count, h, w, 3]`."""


def precisions(runs: Paints, platform: str) -> str:
    """Adam's runs in float32, TF32 and bfloat16 begin and end at one loss, nearly.

    Raises:
      WrongError: they don't, or one isn't finite.
    """
    exact = _sound("float32", runs.alone("float32", solver="adam"))
    others = ("bfloat16",) if platform == "cpu" else ("tf32", "bfloat16")
    said = []
    for name in others:
        losses = _sound(name, runs.alone(name, solver="adam"))
        for when, place in (("first", 0), ("last", -1)):
            of = abs(losses[place] / exact[place] - 1)
            if of > _AGREE[when]:
                allowed = f"{100 * _AGREE[when]:g} % is allowed"
                raise WrongError(
                    f"{name}'s {when} loss is {losses[place]:.6g}, float32's "
                    f"{exact[place]:.6g}: {100 * of:.2g} % apart, {allowed}"
                )
            said.append(f"{name} {when} {100 * of:.2g} %")
    also = "; tf32 is float32 on CPUs" if platform == "cpu" else ""
    return f"apart from float32: {', '.join(said)}{also}"


def solver(runs: Paints, platform: str, name: str) -> str:
    """A solver lowers Gatys's loss.

    Raises:
      WrongError: it doesn't, or the loss or the picture isn't finite.
    """
    found = runs.alone(_quickest(platform), solver=name)
    losses = _falling(name, found)
    return f"from {losses[0]:.6g} to {losses[-1]:.6g}"


def style_loss(runs: Paints, platform: str, name: str) -> str:
    """L-BFGS lowers a style loss.

    Raises:
      WrongError: see `solver`.
    """
    found = runs.alone(_quickest(platform), style_loss=name)
    losses = _falling(name, found)
    return f"from {losses[0]:.6g} to {losses[-1]:.6g}"


def lanes(runs: Paints) -> str:
    """Pictures side by side are what each is alone, but for rounding.

    Raises:
      WrongError: they aren't.
    """
    together = runs.together("float32")
    if len(together) != LANES:
        raise WrongError(f"{len(together)} of {LANES} pictures were painted")
    worst = 0.0
    for place in (0, LANES - 1):
        alone = runs.alone("float32", painting=place)
        expected = _sound(f"picture {place} alone", alone)
        losses = _sound(f"picture {place} of {LANES}", together[place])
        apart = float(np.max(np.abs(losses / expected - 1)[:_FEW]))
        worst = max(worst, apart)
        if apart > _ROUNDING:
            raise WrongError(
                f"picture {place} of {LANES} side by side has other losses than alone: "
                f"{100 * apart:.2g} % apart, {100 * _ROUNDING:g} % is rounding"
            )
        both = together[place].image, alone.image
        _same(f"picture {place} of {LANES}", *both, most=_AMPLIFIED)
    return f"the first losses at most {100 * worst:.2g} % apart"


def one_pass(runs: Paints) -> str:
    """A style network paints a picture, alone as beside others, in both precisions.

    Raises:
      WrongError: it doesn't.
    """
    pictures = runs.one_pass("float32", LANES)
    for place, picture in enumerate(pictures):
        _picture(f"picture {place}", picture)
    (alone,) = runs.one_pass("float32", 1)
    _same("a picture beside others", pictures[0], alone)
    (rounded,) = runs.one_pass("bfloat16", 1)
    _picture("in bfloat16 the picture", rounded)
    apart = float(np.mean(np.abs(rounded - alone)))
    if apart > 3 * _PAINTED:
        raise WrongError(f"bfloat16 paints pixels {255 * apart:.2g} of 255 off float32")
    return f"bfloat16 is {255 * apart:.2g} of 255 off float32"


def _quickest(platform: str) -> str:
    """What `--precision=auto` is there."""
    return "float32" if platform == "cpu" else "bfloat16"


def _sound(what: str, painted: Painted) -> np.ndarray:
    """The losses of a run, which are finite as its picture is."""
    bad = np.flatnonzero(~np.isfinite(painted.losses))
    if not len(painted.losses) or len(bad):
        at = bad[0] if len(bad) else 0
        raise WrongError(f"{what}: the loss is no number at iteration {at}")
    _picture(f"{what}: the picture", painted.image)
    return painted.losses


def _falling(what: str, painted: Painted) -> np.ndarray:
    losses = _sound(what, painted)
    if np.min(losses) > _FALLS * losses[0]:
        raise WrongError(
            f"{what}: the loss went from {losses[0]:.6g} to {np.min(losses):.6g} in "
            f"{len(losses)} iterations, which is no progress"
        )
    return losses


def _picture(what: str, image: np.ndarray) -> None:
    if not np.all(np.isfinite(image)):
        share = 100 * float(np.mean(~np.isfinite(image)))
        raise WrongError(f"{what} isn't finite: {share:.2g} % of it are no numbers")
    if np.std(image) < 0.01:
        raise WrongError(f"{what} is of one colour, {np.mean(image):.3g}")


def _same(
    what: str, image: np.ndarray, other: np.ndarray, *, most: float = _PAINTED
) -> None:
    apart = float(np.mean(np.abs(image - other)))
    if apart > most:
        raise WrongError(f"{what} is {255 * apart:.2g} of 255 off the one alone")
