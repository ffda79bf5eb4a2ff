"""The store's own keys, for networks of every family."""

from weights_convert.architectures import Architecture
from weights_convert.layouts.layout import HWIO, Keys, Layout


def _stored(architecture: Architecture) -> Keys:
    return {key: (key,) for key in architecture.shapes}


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
