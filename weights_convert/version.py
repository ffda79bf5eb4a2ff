"""The version of the distribution that this package is part of."""

import importlib.metadata


def version() -> str:
    """From the installed distribution's metadata."""
    return importlib.metadata.version("nst-jax")
