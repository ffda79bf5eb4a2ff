"""Painters of the bundled style pictures: `(rng, height, width) -> [h, w, 3]`.

A painter is a pure function of its random generator and the size; it returns
float32 sRGB in [0, 1]. A new one is a new file here and a line in `PAINTERS`.
"""

from collections.abc import Callable

import numpy as np

from painters.dots import paint_dots
from painters.facets import paint_facets
from painters.glass import paint_glass
from painters.swirls import paint_swirls
from painters.woodcut import paint_woodcut

Painter = Callable[[np.random.Generator, int, int], np.ndarray]

PAINTERS: dict[str, Painter] = {
    "dots": paint_dots,
    "facets": paint_facets,
    "glass": paint_glass,
    "swirls": paint_swirls,
    "woodcut": paint_woodcut,
}
