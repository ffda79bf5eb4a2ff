"""The store's own keys, for networks of every family."""

from weights_convert.architectures import Architecture
from weights_convert.layouts.layout import HWIO, Keys, Layout


def _stored(table: Architecture) -> Keys:
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
