"""The version of the distribution that this package is part of."""

import importlib.metadata


def version() -> str:
    """From the installed distribution's metadata; "unknown" of sources that aren't.

    Machines with a GPU may have no pip: programs are started from the sources there.
    """
    try:
        return importlib.metadata.version("nst-jax")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
