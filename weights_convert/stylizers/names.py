"""Which style networks there are by name: shipped, published, stored."""

from collections.abc import Mapping
from pathlib import Path

from weights_convert.architectures import NETWORKS
from weights_convert.stylizers import files
from weights_convert.stylizers.sources import PUBLISHED


def shipped(folder: Path | None) -> Mapping[str, Path]:
    """Those that come with the package, in a folder of it, and their files."""
    found = sorted(folder.glob("*.safetensors")) if folder else []
    return {path.stem: path for path in found}


def known(folder: Path | None) -> Mapping[str, tuple[Path, str]]:
    """All names, each with its file, there or not, and where it comes from.

    Args:
      folder: of those that come with the package.
    """
    own = shipped(folder)
    found = {name: (path, "comes with nst-jax") for name, path in own.items()}
    for name, one in PUBLISHED.items():
        found.setdefault(name, (files.path_of(name), one.origin))
    for path in sorted(files.folder().glob("*.safetensors")):
        found.setdefault(path.stem, (path, "stored here"))
    return found


def of_other_kind(name: str) -> str:
    """What to say of a name that should be a style network's, after it; or ""."""
    if name not in NETWORKS:
        return ""
    return " is a network that sees, and can't paint: it is given as --network"
