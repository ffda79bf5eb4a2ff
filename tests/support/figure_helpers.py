"""The figures' folder on the path, as when one of its files is run."""

import sys
from pathlib import Path

FIGURES = Path(__file__).resolve().parents[2] / "scripts" / "figures"

sys.path.insert(0, str(FIGURES))

NAMES = sorted(
    path.stem for path in FIGURES.glob("*.py") if "\nFIGURE = " in path.read_text()
)
"""Of the files that are figures."""
