"""Neural style transfer at accelerator speed: the public names.

    import nst_jax

    result = nst_jax.stylize("photo.jpg", "painting.jpg", nst_jax.Options(size=512))
    result.save("painted.png")

Names are loaded when first used, so that `nst-weights` and `--help` need no JAX.
"""

import importlib
import typing

from nst_jax.version import __version__

if typing.TYPE_CHECKING:
    from nst_jax.optimize.engine import Progress
    from nst_jax.options import Options
    from nst_jax.transfer.batch import stylize_batch
    from nst_jax.transfer.results import Result
    from nst_jax.transfer.verbs import load_network, stylize

_HOMES = {
    "Options": "nst_jax.options",
    "Progress": "nst_jax.optimize.engine",
    "Result": "nst_jax.transfer.results",
    "load_network": "nst_jax.transfer.verbs",
    "stylize": "nst_jax.transfer.verbs",
    "stylize_batch": "nst_jax.transfer.batch",
}

__all__ = [
    "Options",
    "Progress",
    "Result",
    "__version__",
    "load_network",
    "stylize",
    "stylize_batch",
]


def __getattr__(name: str) -> typing.Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
