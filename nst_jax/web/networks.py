"""The style networks that are here, ready to paint in one pass."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

from nst_jax.errors import OptionsError
from nst_jax.feedforward.options import SHIPPED
from weights_convert.errors import WeightsError
from weights_convert.stylizers import files, names

_TAKES = {"": "none", "shares": "index", "vector": "painting"}
_MADE_FOR = {"glass": "painting-glass"}
"""Networks of the example paintings."""

_OF_ANY = ("arbitrary", "adain", "microast")
"""Those for any painting that a preview is made by, the best first."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A style network that is stored here.

    Attributes:
      name: of it.
      origin: where it comes from, in a few words.
      takes: "none" of one style, "index" of several, "painting" of any.
      styles: that it has, by name.
    """

    name: str
    origin: str
    takes: str
    styles: tuple[str, ...]

    def check_style(self, style: str | None) -> None:
        """Raises `OptionsError` for what is no style of the network, nor shares."""
        if self.takes == "painting" or (style is None and self.takes == "none"):
            return
        if style is None or style.strip() == "all":
            raise OptionsError(f"style: choose one of {self._told}")
        for part in style.split(","):
            name = part.strip().rpartition(":")[0].strip() or part.strip()
            number = name.isdecimal() and len(name) <= 4
            if name not in self.styles and not (
                number and int(name) < len(self.styles)
            ):
                raise OptionsError(f"style={name!r:.60}: choose one of {self._told}")

    @property
    def _told(self) -> str:
        numbers = self.styles == tuple(map(str, range(len(self.styles))))
        if numbers and len(self.styles) > 1:
            return f"0 to {len(self.styles) - 1}"
        return ", ".join(self.styles)


def here() -> dict[str, Network]:
    """The style networks whose files are here, by name; none is fetched."""
    found = {}
    for name, (path, origin) in names.known(SHIPPED).items():
        if path.is_file() and (one := _look(path, name, origin, _stamp(path))):
            found[name] = one
    return found


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@functools.lru_cache(64)
def _look(path: Path, name: str, origin: str, stamp: tuple[int, int]) -> Network | None:
    """What a file has; None: it is damaged, or something else."""
    try:
        stored, metadata = files.load(path)
        takes = _TAKES[stored.architecture.takes]
        styles: tuple[str, ...] = ()
        if takes != "painting":
            styles = files.style_names(metadata, stored.architecture.styles)
    except (WeightsError, OSError, KeyError):
        return None
    return Network(name, origin, takes, styles)


def of_painting(painting: str, known: Mapping[str, Network]) -> Network | None:
    """A network that paints at once about as an optimisation will; None: none is here.

    Args:
      painting: identifier of an example or upload.
      known: networks that are here.
    """
    for name, made_for in _MADE_FOR.items():
        if painting == made_for and name in known:
            return known[name]
    any_style = [one for one in known.values() if one.takes == "painting"]
    any_style.sort(
        key=lambda one: _OF_ANY.index(one.name) if one.name in _OF_ANY else len(_OF_ANY)
    )
    return any_style[0] if any_style else None


def picture_of(name: str) -> str:
    """The identifier of the example that a network was made for, or ""."""
    return _MADE_FOR.get(name, "")
