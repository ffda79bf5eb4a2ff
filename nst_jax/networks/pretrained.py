"""Pretrained networks by name: from the store, fetched on first use."""

from collections.abc import Callable, Sequence

import jax

from nst_jax.devices import backend
from nst_jax.networks import extract
from nst_jax.networks.network import Network
from weights_convert import architectures, fetch, store


def load_network(
    name: str = "vgg19",
    *,
    pooling: str = "max",
    precision: str = "auto",
    offline: bool = False,
    report: Callable[[str], None] | None = None,
) -> Network:
    """A pretrained network from the store; its weights are fetched on first use.

    Args:
      name: in `architectures.NETWORKS`.
      pooling: "max", "avg", "max_ceil" or "avg_ceil", as in `Options`.
      precision: as in `Options`.
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      NetworkError: an unknown name.
      WeightsError: weights that can't be fetched or don't fit.
      OptionsError: an unknown pooling or precision.
      DeviceError: the device that JAX is to use isn't here, or doesn't work.
    """
    architecture = architectures.find(name)
    backend.kind()
    precision = resolve_precision(precision)
    extract.check_choices(pooling, precision)
    fetch.fetch(architecture, report=report or _ignore, offline=offline)
    weights, _ = store.load(architecture)
    return extract.build(
        architecture,
        weights,
        pooling=pooling,
        precision=precision,
        digest=store.stored_digest(architecture),
    )


def fetched(
    names: Sequence[str], *, offline: bool, report: Callable[[str], None]
) -> dict[str, str]:
    """Fetches what isn't stored yet of these networks' weights.

    Returns:
      Digests of the stored weights, by name.

    Raises:
      NetworkError, WeightsError: see `load_network`.
    """
    found = {}
    for name in names:
        architecture = architectures.find(name)
        fetch.fetch(architecture, report=report, offline=offline)
        found[name] = store.stored_digest(architecture)
    return found


def resolve_precision(precision: str) -> str:
    """What "auto" means on this machine's default device; others stay."""
    if precision != "auto":
        return precision
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"


def _ignore(line: str) -> None:
    """Drops a line for the user."""
