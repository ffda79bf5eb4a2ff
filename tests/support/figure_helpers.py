"""The figures' folder on the path, as when one of its files is run."""

import sys
from pathlib import Path

FIGURES = Path(__file__).resolve().parents[2] / "scripts" / "figures"

sys.path.insert(0, str(FIGURES))
