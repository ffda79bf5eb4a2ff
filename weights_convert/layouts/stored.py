"""The store's own keys, for networks of every family."""

from nst_jax.networks.tables import NetworkTable
from weights_convert.layouts.layout import HWIO, Keys, Layout


def _stored(table: NetworkTable) -> Keys:
    return {key: (key,) for key in table.shapes}


STORED = Layout(
    "stored",
    None,
    ("safetensors",),
    _stored,
    HWIO,
    None,
    claims=("",),
    normalized=None,
)
