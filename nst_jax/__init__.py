"""Neural style transfer at accelerator speed: the public names.

    import nst_jax

    result = nst_jax.stylize("photo.jpg", "painting.jpg", nst_jax.Options(size=512))
    result.save("painted.png")

`losses` and `minimize` are for losses of one's own: docs/library.md. Names are loaded
when first used, so that `nst-weights` and `--help` need no JAX.
"""

import importlib
import typing

from nst_jax.version import __version__

if typing.TYPE_CHECKING:
    from nst_jax import losses
    from nst_jax.feedforward.load import load_stylizer
    from nst_jax.feedforward.stylizer import Stylizer
    from nst_jax.options import Options
    from nst_jax.perceptual.network import load_network
    from nst_jax.transfer.live import live
    from nst_jax.transfer.minimize import Minimum, minimize
    from nst_jax.transfer.results import Progress, Result
    from nst_jax.transfer.stylize import stylize, stylize_batch

_HOMES = {
    "Minimum": "nst_jax.transfer.minimize",
    "Options": "nst_jax.options",
    "Progress": "nst_jax.transfer.results",
    "Result": "nst_jax.transfer.results",
    "Stylizer": "nst_jax.feedforward.stylizer",
    "live": "nst_jax.transfer.live",
    "load_network": "nst_jax.perceptual.network",
    "load_stylizer": "nst_jax.feedforward.load",
    "losses": "nst_jax",
    "minimize": "nst_jax.transfer.minimize",
    "stylize": "nst_jax.transfer.stylize",
    "stylize_batch": "nst_jax.transfer.stylize",
}

__all__ = [
    "Minimum",
    "Options",
    "Progress",
    "Result",
    "Stylizer",
    "__version__",
    "live",
    "load_network",
    "load_stylizer",
    "losses",
    "minimize",
    "stylize",
    "stylize_batch",
]


def __getattr__(name: str) -> typing.Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    if home == __name__:
        return importlib.import_module(f"{home}.{name}")
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return [*__all__]
