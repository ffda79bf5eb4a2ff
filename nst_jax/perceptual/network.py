"""The network that options name: the words of `Options` are those of `load_network`."""

from nst_jax.images.source import Report
from nst_jax.networks import pretrained
from nst_jax.networks.network import Network
from nst_jax.options import Options, chosen


def load_network(
    name: str = Options.network,
    *,
    pooling: str = Options.pooling,
    precision: str = Options.precision,
    offline: bool = False,
    report: Report | None = None,
) -> Network:
    """A pretrained network from the store; its weights are fetched on first use.

    Args:
      name: one that `nst-weights list` shows.
      pooling: as in `Options`.
      precision: as in `Options`.
      offline: don't fetch.
      report: takes lines about what is fetched and from where.

    Raises:
      NetworkError: an unknown name.
      WeightsError: weights that can't be fetched or don't fit.
      OptionsError: an unknown pooling or precision.
    """
    options = Options(network=name, pooling=pooling, precision=precision)
    return network_of(options, offline=offline, report=report)


def network_of(
    options: Options, *, offline: bool = False, report: Report | None = None
) -> Network:
    """`load_network`, by the values of `options`."""
    return pretrained.load(
        options.network,
        pooling=chosen(options, "pooling"),
        precision=chosen(options, "precision"),
        offline=offline,
        report=report,
    )
