"""docs/options.md, made from the fields of `nst_jax.Options`.

python scripts/options_table.py --write    write it
python scripts/options_table.py --check    fail with a line if it is out of date
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from nst_jax.options import GROUPS, Options

_PAGE = Path(__file__).parent.parent / "docs/options.md"

_HEADER = """\
# Options

Every option is a field of `nst_jax.Options`, and a flag of `nst-jax stylize` and
`nst-jax batch`. This page is made from them by `python scripts/options_table.py
--write`; don't edit it.
"""


def page() -> str:
    """The page in Markdown: a table for each group of options."""
    groups: dict[str, list[dataclasses.Field]] = {name: [] for name in GROUPS}
    for field in dataclasses.fields(Options):
        groups[field.metadata["group"]].append(field)
    parts = [f"\n## {GROUPS[name]}\n\n{_table(groups[name])}" for name in GROUPS]
    return _HEADER + "".join(parts)


def _table(fields: list[dataclasses.Field]) -> str:
    rows = ["| flag | default | what it does |", "|---|---|---|"]
    for field in fields:
        cells = f"`--{field.name}`", _shown(field.default), field.metadata["help"]
        rows.append(f"| {' | '.join(map(_escaped, cells))} |")
    return "\n".join(rows) + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|").replace("*", r"\*")


def _shown(default: object) -> str:
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    if isinstance(default, float):
        default = f"{default:g}"
    return f"`{default}`" if default not in (None, "") else ""


def main() -> None:
    """Writes the page, or compares it with the options."""
    parser = argparse.ArgumentParser(description="Makes docs/options.md.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the page")
    what.add_argument("--check", action="store_true", help="fail if it is out of date")
    if parser.parse_args().write:
        _PAGE.parent.mkdir(exist_ok=True)
        _PAGE.write_text(page())
    elif not _PAGE.exists() or _PAGE.read_text() != page():
        sys.exit("docs/options.md is stale: python scripts/options_table.py --write")


if __name__ == "__main__":
    main()
