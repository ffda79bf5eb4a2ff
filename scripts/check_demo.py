"""Checks a picture of `demo.sh`: `python scripts/check_demo.py PICTURE SIZE`.

It must have the size asked for, differ from the photo, keep the photo's shapes (the
luminance correlates) and have taken the painting's colours (their covariance is nearer
to the painting's than the photo's was). Fails with one line otherwise.
"""

import sys
from pathlib import Path

import numpy as np

from nst_jax.images import files, resize

_EXAMPLES = Path(__file__).parent.parent / "examples"


def faults(picture: np.ndarray, size: int) -> list[str]:
    """What is wrong with a stylised example, `[h, w, 3]`, of longest side `size`."""
    photo = resize.resize_longest(files.read(_EXAMPLES / "photos/cat.jpg"), size)
    painting = files.read(_EXAMPLES / "styles/swirls.jpg")
    if picture.shape != photo.shape:
        return [f"shape {picture.shape}, expected {photo.shape}"]
    found = []
    if np.abs(picture - photo).mean() < 0.03:
        found.append("it is still the photo")
    likeness = np.corrcoef(picture.mean(-1).ravel(), photo.mean(-1).ravel())[0, 1]
    if likeness < 0.3:
        found.append(f"the photo's shapes are lost (correlation {likeness:.2f})")

    def distance(image: np.ndarray) -> float:
        colours, wanted = (np.cov(i.reshape(-1, 3).T) for i in (image, painting))
        return float(np.linalg.norm(colours - wanted))

    if distance(picture) > 0.9 * distance(photo):
        found.append("its colours are not the painting's")
    return found


def main() -> None:
    """Checks the picture named on the command line."""
    path, size = sys.argv[1], int(sys.argv[2])
    if found := faults(files.read(path), size):
        sys.exit(f"{path}: {'; '.join(found)}")
    print(f"{path}: a stylised picture")


if __name__ == "__main__":
    main()
