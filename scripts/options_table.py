"""README's table of options, made from `nst_jax.Options`.

python scripts/options_table.py            print it
python scripts/options_table.py --write    put it into README.md
"""

import dataclasses
import sys
from pathlib import Path

from nst_jax.options import Options

_README = Path(__file__).parent.parent / "README.md"
_BEGIN, _END = "<!-- options: begin -->\n", "<!-- options: end -->\n"


def table() -> str:
    """The table in Markdown, a row for each field."""
    rows = ["| flag | default | |", "|---|---|---|"]
    for field in dataclasses.fields(Options):
        default = field.default
        if isinstance(default, tuple):
            default = ",".join(default)
        shown = f"`{default}`" if default not in (None, "") else ""
        rows.append(f"| `--{field.name}` | {shown} | {field.metadata['help']} |")
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """`readme` with the table between its markers brought up to date."""
    before, rest = readme.split(_BEGIN)
    _, after = rest.split(_END)
    return before + _BEGIN + table() + _END + after


def main() -> None:
    """Prints the table, or writes it into README.md."""
    if "--write" in sys.argv[1:]:
        _README.write_text(with_table(_README.read_text()))
    else:
        print(table(), end="")


if __name__ == "__main__":
    main()
