"""Makes `bench/REPORT.md` and its plots from the raw files: `python -m bench.report`.

Every figure comes from the JSON-lines files in `bench/results/`; what they don't hold
is said to be not measured.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.report import estimates, tables
from bench.report.page import page
from bench.workload import ROOT


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results")
    parser.add_argument("--output", type=Path, default=ROOT / "bench/REPORT.md")
    flags = parser.parse_args(argv)
    records = tables.read(flags.results)
    estimated = estimates.read(flags.results)
    folder = flags.output.absolute().parent
    flags.output.write_text(page(records, folder, estimated))
    count = len(records) + len(estimated)
    print(f"{flags.output}: from {count} records in {flags.results}")


if __name__ == "__main__":
    main()
