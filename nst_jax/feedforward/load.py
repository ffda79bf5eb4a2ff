"""Style networks by name or file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import jax.numpy as jnp

from nst_jax.errors import OptionsError
from nst_jax.feedforward.options import SHIPPED, Options
from nst_jax.feedforward.stylizer import Stylizer
from nst_jax.images.files import expanded
from weights_convert.stylizers import fetch, files, names
from weights_convert.stylizers.sources import PUBLISHED
from weights_convert.stylizers.stylizer import Stylizer as Stored

_DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def load_stylizer(
    model: str | os.PathLike = Options.model,
    *,
    precision: str = "float32",
    offline: bool = False,
    report: Callable[[str], None] | None = None,
) -> Stylizer:
    """A style network that is ready to paint; a published one is fetched on first use.

    Args:
      model: a file's path, in which `~` is the home, or a name: of the networks that
        come with the package, those that are published, and those stored by
        `nst-weights convert`.
      precision: of kernels and features, "float32" or "bfloat16".
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      OptionsError: neither a file nor a name; an unknown precision.
      WeightsError: a file that is damaged, or a network that can't be fetched.
    """
    if precision not in _DTYPES:
        raise OptionsError(
            f"precision={precision!r} is not known; choose one of {', '.join(_DTYPES)}"
        )
    return built(*load_stored(model, offline=offline, report=report), precision)


def load_stored(
    model: str | os.PathLike,
    *,
    offline: bool = False,
    report: Callable[[str], None] | None = None,
) -> tuple[Stored, Mapping[str, str]]:
    """What `load_stylizer` builds a network of: it can be sent to other machines."""
    path = find(expanded(model), offline=offline, report=report or _ignore)
    return files.load(path)


def built(stored: Stored, metadata: Mapping[str, str], precision: str) -> Stylizer:
    """The network of `load_stored`, with kernels and features of a precision."""
    return Stylizer.of(stored, metadata, dtype=_DTYPES[precision])


def known() -> dict[str, str]:
    """The names that `load_stylizer` takes, each with where it comes from."""
    return {name: where for name, (_, where) in names.known(SHIPPED).items()}


def styles(name: str) -> str:
    """What `style` may be for a network that is here, in words; "" of others."""
    path, _ = names.known(SHIPPED).get(name, (files.path_of(name), ""))
    if not files.matches(path):
        return ""
    stored, metadata = files.load(path)
    if stored.architecture.takes == "vector":
        return "painting.jpg, of any painting"
    given = files.style_names(metadata, stored.architecture.styles)
    if given == tuple(map(str, range(len(given)))):
        return f"0 to {len(given) - 1}" if len(given) > 1 else ""
    return ", ".join(given)


def find(model: str, *, offline: bool, report: Callable[[str], None]) -> Path:
    """The file of a style network, fetched if need be."""
    if os.path.isfile(model):
        return Path(model)
    if model not in names.known(SHIPPED):
        other = names.of_other_kind(model) or " is neither a file nor a network"
        raise OptionsError(f"model={model!r}{other}; known are {', '.join(known())}")
    path, _ = names.known(SHIPPED)[model]
    if model in PUBLISHED and path == files.path_of(model):
        return fetch.fetch(PUBLISHED[model], report=report, offline=offline)
    return path


def _ignore(line: str) -> None:
    """Drops a line for the user."""
