"""Draws masks of the example photos, as `nst-jax stylize` takes them.

Needs numpy and Pillow only:

    python examples/draw_masks.py --output_dir=masks
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
YELLOW, BLACK = (255, 255, 0), (0, 0, 0)


def sky() -> Image.Image:
    """The sky of `rocket.jpg`, with a soft horizon."""
    height, width = 427, 640
    down = np.linspace(0, 1, height)[:, None] * np.ones((1, width))
    share = np.clip((0.78 - down) / 0.16 + 0.5, 0, 1)
    return Image.fromarray(np.rint(255 * share).astype(np.uint8))


def ground() -> Image.Image:
    """All but the sky."""
    return Image.eval(sky(), lambda value: 255 - value)


def rocket_map() -> Image.Image:
    """Sky and ground of `rocket.jpg` in two colours, with smoothed edges."""
    picture = Image.new("RGB", (1280, 854), BLUE)
    horizon = [(0, 690), (640, 640), (1280, 700)]
    ImageDraw.Draw(picture).polygon([*horizon, (1280, 854), (0, 854)], fill=RED)
    return picture.resize((640, 427), Image.Resampling.LANCZOS)


def swirls_map() -> Image.Image:
    """Sky and wheat of `swirls.jpg` in the same colours."""
    picture = Image.new("RGB", (640, 512), BLUE)
    ImageDraw.Draw(picture).rectangle((0, 360, 640, 512), fill=RED)
    return picture


def face() -> Image.Image:
    """The face of `cat.jpg`."""
    picture = Image.new("L", (451, 300), 0)
    ImageDraw.Draw(picture).ellipse((110, 20, 345, 275), fill=255)
    return picture


def coffee_map() -> Image.Image:
    """The cup of `coffee.jpg`, and the table on its left and right."""
    picture = Image.new("RGB", (600, 400), YELLOW)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((300, 0, 600, 400), fill=GREEN)
    draw.ellipse((150, 60, 450, 340), fill=BLACK)
    return picture


MASKS = {
    "sky.png": sky,
    "ground.jpg": ground,
    "rocket_map.jpg": rocket_map,
    "swirls_map.png": swirls_map,
    "face.png": face,
    "coffee_map.png": coffee_map,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws every mask into the output folder."""
    parser = argparse.ArgumentParser(description="Draws masks of the example photos.")
    parser.add_argument("--output_dir", type=Path, default=Path("masks"))
    options = parser.parse_args(arguments)
    options.output_dir.mkdir(parents=True, exist_ok=True)
    for name, draw in MASKS.items():
        draw().save(options.output_dir / name)


if __name__ == "__main__":
    main()
