"""The ways of `--color` side by side: a row for each pair, a column for each way.

    python scripts/color_figure.py color.png [--size=256] [--steps=200]

Source: Gatys, Bethge, Hertzmann and Shechtman, "Preserving Color in Neural Artistic
Style Transfer" (2016, arXiv:1606.05897), figures 1 to 4, with the photos and paintings
of `examples/`. All pictures are lanes of one program.

Expect the painting's colours in the column `style`, and the photo's place by place with
luminance, unmatched with the painting's contrast. linear has the photo's palette;
histogram has hues that neither has, as channels are matched one by one; matching the
result afterwards has more of them, in patches with hard edges.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nst_jax import Options, batch
from nst_jax.images import files, resize, sheet

_EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PAIRS = (("cat", "swirls"), ("coffee", "glass"), ("rocket", "woodcut"))
WAYS = {
    "style": {},
    "luminance": {"color": "luminance"},
    "luminance, unmatched": {"color": "luminance_unmatched"},
    "histogram": {"color": "histogram"},
    "linear": {"color": "linear"},
    "linear, cholesky": {"color": "linear_cholesky"},
    "style, matched after": {"color_after": "histogram"},
}


def jobs(size: int, steps: int, pairs: Sequence[tuple[str, str]]) -> list[batch.Job]:
    """Every pair in every way, pair by pair."""
    return [
        batch.Job(
            str(_EXAMPLES / "photos" / f"{photo}.jpg"),
            (str(_EXAMPLES / "styles" / f"{painting}.jpg"),),
            Options(size=size, steps=steps, **way),
        )
        for photo, painting in pairs
        for way in WAYS.values()
    ]


def figure(
    asked: Sequence[batch.Job], results: Sequence[np.ndarray], size: int
) -> np.ndarray:
    """Photo, painting and results of each pair in a row, `[h, w, 3]` in [0, 1]."""
    images: list[np.ndarray] = []
    for start in range(0, len(asked), len(WAYS)):
        job = asked[start]
        originals = [files.read(path) for path in (job.content, *job.styles)]
        images += [resize.resize_longest(image, size) for image in originals]
        images += results[start : start + len(WAYS)]
    rows = len(asked) // len(WAYS)
    labels = ["photo", "painting", *WAYS] * rows
    return sheet.grid(images, 2 + len(WAYS), labels=labels)


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the pictures and writes the figure."""
    parser = argparse.ArgumentParser(description="The ways of --color, side by side.")
    parser.add_argument("output", type=Path, help="such as color.png")
    parser.add_argument("--size", type=int, default=256, help="longest side")
    parser.add_argument("--steps", type=int, default=200, help="of each picture")
    given = parser.parse_args(arguments)
    files.check_writable(given.output)
    asked = jobs(given.size, given.steps, PAIRS)
    found: dict[int, np.ndarray] = {}
    for place, result in batch.run_jobs(asked, report=_say):
        if isinstance(result, Exception):
            raise result
        found[place] = result.image
        _say(f"{len(found)} of {len(asked)}")
    images = [found[place] for place in range(len(asked))]
    files.write(given.output, figure(asked, images, given.size))
    print(given.output)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
