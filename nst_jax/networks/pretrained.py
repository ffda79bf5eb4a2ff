"""Pretrained networks by name: from the store, fetched on first use."""

from collections.abc import Callable, Sequence

from nst_jax.devices import backend
from nst_jax.networks import extract
from nst_jax.networks.network import Network
from nst_jax.networks.pooling import Mode
from nst_jax.networks.precision import Precision
from weights_convert import architectures, fetch, store


def load(
    name: str,
    *,
    pooling: Mode,
    precision: Precision,
    offline: bool = False,
    report: Callable[[str], None] | None = None,
) -> Network:
    """A pretrained network from the store; its weights are fetched on first use.

    Args:
      name: in `architectures.NETWORKS`.
      pooling: as `extract.build` takes it.
      precision: likewise.
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      NetworkError: an unknown name.
      WeightsError: weights that can't be fetched or don't fit.
      DeviceError: the device that JAX is to use isn't here, or doesn't work.
    """
    architecture = architectures.find(name)
    backend.here()
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
      NetworkError, WeightsError: see `load`.
    """
    found = {}
    for name in names:
        architecture = architectures.find(name)
        fetch.fetch(architecture, report=report, offline=offline)
        found[name] = store.stored_digest(architecture)
    return found


def _ignore(line: str) -> None:
    """Drops a line for the user."""
