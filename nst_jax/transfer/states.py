"""Where the state of an unfinished run is kept, and how it is found again."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from nst_jax.errors import CheckpointError, OptionsError
from nst_jax.images import outputs
from nst_jax.images.source import Report
from nst_jax.optimize import checkpoint
from nst_jax.optimize.chunk import State
from nst_jax.transfer.jobs import Job, digests
from nst_jax.transfer.run import Resumed, Run

EVERY = 30.0
"""Seconds between the states of a run that goes on."""

PATTERN = "[0-9a-f]" * 32 + ".state"
"""Matches the names of `in_folder`'s files."""


_ANEW = "leave {resume} out to start anew"
_ADVICE = {
    checkpoint.MissingError: "run without {resume} first",
    checkpoint.OtherRunError: "repeat that command with {resume}, or " + _ANEW,
}


@dataclasses.dataclass(frozen=True)
class States:
    """The files of unfinished runs.

    Attributes:
      path: of a run's, from the digest that tells runs apart.
      must: whether there has to be one to go on from.
      may: whether one is gone on from if there is any.
      resume: what the user gives so that there has to be one.
      every: seconds between the states of a run that goes on, at least.
      needed: whether states stay, such as where pictures couldn't be saved.
    """

    path: Callable[[str], Path]
    must: bool = False
    may: bool = False
    resume: str = "--resume"
    every: float = EVERY
    needed: Callable[[], bool] = lambda: False

    def find(self, run: Run, digest: str, report: Report) -> Resumed | None:
        """The state that a run goes on from, if it is to.

        Raises:
          CheckpointError: there has to be one, and there is none of this run.
          OptionsError: the run of this state made all iterations that are asked for.
        """
        path = self.path(digest)
        if not self.must and not (self.may and path.exists()):
            return None
        try:
            return run.load(path, digest)
        except checkpoint.SpentError as error:
            if self.must:
                raise OptionsError(
                    f"steps={run.scales[-1].until}: the stopped run made {error.made} "
                    "already; give more"
                ) from None
            report(f"{error}; these pictures are begun anew")
        except CheckpointError as error:
            if self.must:
                advice = _ADVICE.get(type(error), _ANEW).format(resume=self.resume)
                raise type(error)(f"{error}; {advice}") from None
            report(f"{error}; these pictures are begun anew")
        return None

    def keep(self, state: State, digest: str) -> str | None:
        """Has `state` in the file.

        Returns:
          What went wrong, in a line, or None: the picture of a run matters more than
          its state, which may not fit on the disk. What was there before still is.
        """
        path = self.path(digest)
        try:
            outputs.write_whole(path, checkpoint.encode(state, digest))
        except (OSError, MemoryError) as error:
            why = getattr(error, "strerror", None) or error
            return f"{path}: not written ({why})"
        return None

    def remove(self, digest: str) -> str | None:
        """Removes the file of pictures that are safe; returns what went wrong."""
        path = self.path(digest)
        try:
            if not self.needed():
                path.unlink(missing_ok=True)
        except OSError as error:
            return f"{path}: not removed ({error.strerror})"
        return None


def in_file(path: Path, *, resume: bool, called: str = "--resume") -> States:
    """The state of a single run, in a file that the user knows.

    Args:
      path: the file.
      resume: whether there has to be one to go on from.
      called: what the user gives for that.
    """
    return States(lambda _: path, must=resume, resume=called)


def in_folder(folder: Path, *, needed: Callable[[], bool] = lambda: False) -> States:
    """The states of a batch's groups, which go on by themselves.

    Args:
      folder: of the files.
      needed: see `States`.
    """
    return States(
        lambda digest: folder / f"{digest[:32]}.state", may=True, needed=needed
    )


def digest(jobs: Sequence[Job], weights: str) -> str:
    """What tells a run of these jobs from others; --steps may grow on resuming."""
    contents = digests(jobs)
    parts = [job.trunk.digest(contents, weights) for job in jobs]
    return hashlib.sha256("".join(parts).encode()).hexdigest()
