"""Pictures that come along: photos and paintings to try, cards of presets."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from nst_jax.images import files
from nst_jax.images.frames import Shape

_PACKAGED = Path(__file__).with_name("samples")
_CHECKOUT = Path(__file__).parents[2] / "examples"
_KINDS = {"photo": "photos", "painting": "styles", "preset": "presets"}
"""By the beginning of an identifier, the folder of its pictures."""


def found() -> Mapping[str, Path]:
    """The example pictures by identifier, such as `painting-swirls`.

    A wheel has them within the package, a checkout beside it.
    """
    return _found(_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT)


@functools.cache
def _found(folder: Path) -> Mapping[str, Path]:
    return MappingProxyType(
        {
            f"{kind}-{path.stem}": path
            for kind, name in _KINDS.items()
            for path in sorted((folder / name).glob("*.jpg"))
        }
    )


@functools.cache
def shape(path: Path) -> Shape:
    """Height and width of one, whose file is looked at once."""
    return files.shape(path)
