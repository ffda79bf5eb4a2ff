"""Several machines: each does a share of a batch, and reads this share's pictures only.

JAX is imported when they are joined, so that a mistyped command is answered at once.
"""

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from nst_jax.errors import DeviceError, OptionsError

_Any = TypeVar("_Any")
_WAIT = 300  # Seconds that one waits for the others at the beginning.


@dataclasses.dataclass(frozen=True)
class Hosts:
    """One of several machines, or a machine by itself.

    Attributes:
      count: how many there are.
      place: of this one, from 0.
      coordinator: address and port at which the first one is met, "10.0.0.1:1234".
    """

    count: int = 1
    place: int = 0
    coordinator: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.place < self.count:
            raise OptionsError(
                f"host={self.place} is out of range: give 0 to {self.count - 1}"
            )
        if self.count > 1 and self.coordinator is None:
            raise OptionsError(
                "several hosts need --coordinator=ADDRESS:PORT, that of the first one"
            )
        if self.coordinator and not re.fullmatch(r"\S+:\d+", self.coordinator):
            raise OptionsError(
                f"coordinator={self.coordinator}: give ADDRESS:PORT, as 10.0.0.1:1234"
            )

    def share(self, things: Sequence[_Any]) -> list[_Any]:
        """What this one has of things that all list in the same order."""
        return list(things[self.place :: self.count])

    def folder(self, folder: Path) -> Path:
        """Where this one writes: a folder has one owner."""
        return folder / f"host{self.place}" if self.count > 1 else folder

    def others(self, folder: Path) -> list[Path]:
        """Folders in which several hosts wrote, where one alone goes on."""
        found = folder.glob("host[0-9]*") if self.count == 1 else ()
        return sorted(path for path in found if path.is_dir())

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """Meets the others, and waits for them at the end where nothing went wrong.

        Raises:
          DeviceError: they can't be met.
        """
        if self.count == 1:
            yield
            return
        import jax

        try:
            jax.distributed.initialize(
                *(self.coordinator, self.count, self.place),
                initialization_timeout=_WAIT,
            )
        except RuntimeError as error:
            line = " ".join(str(error).split())[:200]
            raise DeviceError(
                f"coordinator={self.coordinator}: the hosts don't meet ({line})"
            ) from error
        try:
            yield
        finally:
            jax.distributed.shutdown()
