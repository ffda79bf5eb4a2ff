"""What is kept by name: taken if it is right, else fetched, once at a time."""

import contextlib
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from weights_convert import files, store
from weights_convert.errors import (
    DamagedError,
    SourceUnavailableError,
    WeightsError,
    WriteError,
)

_Copies = TypeVar("_Copies")


@dataclasses.dataclass(frozen=True)
class Kept:
    """Something of the store that can be fetched.

    Attributes:
      name: what users type.
      what: in words, "the weights of vgg19".
      path: where it is stored, whether or not it is there.
      check: looks at what is stored; raises `DamagedError`.
      instead: what to do where nothing may be fetched, after a command that fetches.
    """

    name: str
    what: str
    path: Path
    check: Callable[[], object]
    instead: str = ""

    @property
    def folder(self) -> Path:
        """Where its downloads lie; nothing else does."""
        return store.home() / "downloads" / self.name

    def look(self) -> tuple[bool, DamagedError | None]:
        """Whether what is stored can be used, and what is wrong if it can't."""
        if not self.path.is_file():
            return False, None
        try:
            self.check()
        except DamagedError as error:
            return False, error
        return True, None


def kept(
    one: Kept,
    plan: Callable[[DamagedError | None], _Copies],
    bring: Callable[[_Copies], Path],
    *,
    report: Callable[[str], None],
    offline: bool = False,
    force: bool = False,
) -> tuple[Path, bool]:
    """Where it is stored, after fetching it if it isn't there or damaged.

    Where another process fetches it, that is waited for, and what it stored is taken.

    Args:
      one: what is asked for.
      plan: which copies to try, given what is wrong with the one that is stored.
      bring: stores the first of them that can be had; downloads go to `one.folder`.
      report: takes one line for each step.
      offline: use no network.
      force: fetch it even if it is stored.

    Returns:
      The path, and whether it was fetched now.

    Raises:
      WeightsError: `offline`, and not there or damaged; what `plan` or `bring` raise.
    """
    usable, damage = (False, None) if force else one.look()
    if usable:
        _clear(one)
        return one.path, False
    if offline:
        raise _offline(one, damage)
    plan(damage)  # said before anything is made

    def waiting() -> None:
        report(f"another process is fetching {one.name}; waiting for it")

    with files.alone(one.folder.with_suffix(".lock"), waiting):
        usable, damage = (False, None) if force else one.look()
        if usable:  # another process stored it
            return one.path, False
        copies = plan(damage)
        if damage is not None:
            report(f"{one.what} are {_first(damage)}; fetching them again")
        try:
            stored = bring(copies)
        except (SourceUnavailableError, WriteError):
            raise  # what is verified, or a part, is not fetched again
        except WeightsError:
            _sweep(one.folder)
            raise
        _sweep(one.folder)
        return stored, True


def _clear(one: Kept) -> None:
    """Deletes what runs that were killed left of what is stored."""

    def waiting() -> None:
        raise WriteError("in use")

    files.clear_parts(one.path)
    lock = one.folder.with_suffix(".lock")
    if one.folder.exists() or lock.exists():
        with contextlib.suppress(WriteError), files.alone(lock, waiting):
            _sweep(one.folder)


def _sweep(folder: Path) -> None:
    """Deletes downloads; parts stay, for a fetch that goes on with them."""
    with contextlib.suppress(OSError):
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            elif left.suffix != ".part":
                left.unlink()
        folder.rmdir()


def _first(damage: DamagedError) -> str:
    """What is wrong, without what to do."""
    return f"damaged ({str(damage).partition('; ')[0]})"


def _offline(one: Kept, damage: DamagedError | None) -> WeightsError:
    state = f"not stored in {one.path.parent}"
    if damage is not None:
        state = _first(damage)
    return WeightsError(
        f"{one.what} are {state} and --offline forbids fetching them; run"
        f" `nst-weights fetch {one.name}` with a network{one.instead}"
    )
