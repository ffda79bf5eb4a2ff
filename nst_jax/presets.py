"""Options that go together, by name: `--preset=NAME`, `nst-jax presets`."""

from collections.abc import Mapping
from types import MappingProxyType

from nst_jax.options import Options

PRESETS: Mapping[str, Options] = MappingProxyType(
    {
        "fast": Options(pyramid=2, steps=200),
        "best": Options(pyramid=3, steps=900),
    }
)
"""The presets; `ABOUT` says what each is."""

ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "fast": "a picture soon",
        "best": "the best picture",
    }
)
"""Of each preset: its source, and what to expect."""
