"""Paints the style pictures of `examples/styles` from seeded random numbers.

Needs numpy and Pillow only:

    python examples/painters/paint_styles.py [--output_dir=DIR] [--only=NAME] [--size=N]

A painter is a pure function of its random generator and the size; it returns float32
sRGB `[h, w, 3]` in [0, 1]. A new one is a file here and a line in `PAINTERS`.
"""

import argparse
import io
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from dots import paint_dots
from facets import paint_facets
from glass import paint_glass
from PIL import Image
from swirls import paint_swirls
from woodcut import paint_woodcut

Painter = Callable[[np.random.Generator, int, int], np.ndarray]

PAINTERS: dict[str, Painter] = {
    "dots": paint_dots,
    "facets": paint_facets,
    "glass": paint_glass,
    "swirls": paint_swirls,
    "woodcut": paint_woodcut,
}

_STYLES = Path(__file__).resolve().parents[1] / "styles"
_MOST_BYTES = 150_000


def paint(name: str, size: int = 640, seed: int = 7) -> np.ndarray:
    """Paints style `name` [4 * size // 5, size, 3], float32 sRGB in [0, 1]."""
    return PAINTERS[name](np.random.default_rng(seed), 4 * size // 5, size)


def to_jpeg(image: np.ndarray, most_bytes: int = _MOST_BYTES) -> bytes:
    """Encodes an image [h, w, 3] in [0, 1] at the best quality that fits."""
    pixels = Image.fromarray((image * 255 + 0.5).astype(np.uint8))
    for quality in range(93, 40, -1):
        file = io.BytesIO()
        pixels.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= most_bytes:
            break
    return file.getvalue()


def main(arguments: Sequence[str] | None = None) -> None:
    """Paints every style, or the one asked for, into the output folder."""
    parser = argparse.ArgumentParser(description="Paints the style pictures.")
    parser.add_argument("--output_dir", type=Path, default=_STYLES)
    parser.add_argument("--only", choices=sorted(PAINTERS), help="one style's name")
    parser.add_argument("--size", type=int, default=640, help="width in pixels")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    if options.size < 64:
        parser.error(f"--size={options.size}: too small to paint on, give 64 or more")
    options.output_dir.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else PAINTERS:
        start = time.perf_counter()
        encoded = to_jpeg(paint(name, options.size, options.seed))
        path = options.output_dir / f"{name}.jpg"
        path.write_bytes(encoded)
        seconds = time.perf_counter() - start
        print(f"{path}: {len(encoded) / 1000:.0f} kB in {seconds:.1f} s")


if __name__ == "__main__":
    main()
