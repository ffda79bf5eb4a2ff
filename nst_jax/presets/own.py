"""Presets of this project's own."""

from nst_jax.options import Options
from nst_jax.presets.preset import Preset

FAST = Preset(
    Options(pyramid=2, steps=150),
    source="This project's own.",
    look="A finished-looking picture for a fifth of the default's work: 75 iterations "
    "at half the size lay out the strokes, 75 at the full size give them their grain. "
    "Strokes are larger than the default's.",
)

BEST = Preset(
    Options(pyramid=3, steps=900),
    source="This project's own.",
    look="300 iterations each at a quarter, half and the full size, less work than the "
    "default's 500 at the full size. The painting's large shapes, such as the stars "
    "and swirls of a sky, appear, which one size alone does not bring.",
)
