"""Options that go together, by name: `--preset=NAME`, `nst-jax presets`."""

from collections.abc import Mapping
from types import MappingProxyType

from nst_jax.options import Options

PRESETS: Mapping[str, Options] = MappingProxyType(
    {
        "fast": Options(pyramid=2, steps=150),
        "best": Options(pyramid=3, steps=900),
    }
)
"""The presets; `ABOUT` says what each is."""

ABOUT: Mapping[str, str] = MappingProxyType(
    {
        "fast": "This project's own. A finished-looking picture for a fifth of the "
        "default's work: 75 iterations at half the size lay out the strokes, 75 at the "
        "full size give them their grain. Strokes are larger than the default's.",
        "best": "This project's own. 300 iterations each at a quarter, half and the "
        "full size, less work than the default's 500 at the full size. The painting's "
        "large shapes, such as the stars and swirls of a sky, appear, which one size "
        "alone does not bring.",
    }
)
"""Of each preset: its source, and what to expect."""
