"""The plan of docs/design.md, kept: who imports whom, what loads JAX, public names."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nst_jax

ROOT = Path(__file__).parents[2]
GROUND_FLOOR = ROOT / "weights_convert"
PRODUCT = [
    p for name in ("nst_jax", "weights_convert") for p in ROOT.glob(f"{name}/**/*.py")
]

# Who may import whom, besides itself.
GROUND = {
    *("version", "errors", "elsewhere", "fields", "options"),
    *("images", "losses", "networks", "recent"),
}
PROGRAM = {
    *("streams", "presets", "devices", "perceptual", "feedforward", "transfer"),
    *("collection", "weights_convert"),
}
ALONE = ("weights_convert", "version", "streams", "elsewhere", "losses", "recent")
MAY_IMPORT = {
    **{room: set() for room in ALONE},
    "errors": {"streams"},
    "devices": {"errors"},
    "optimize": {"errors", "recent", "devices"},
    "fields": {"errors", "elsewhere"},
    "options": {"errors", "fields"},
    "presets": {"options"},
    "display": set(),
    "images": {"errors", "version"},
    "networks": {"errors", "devices", "losses", "weights_convert"},
    "perceptual": {*GROUND, "devices", "weights_convert"},
    "feedforward": {*GROUND, "devices", "display", "perceptual", "weights_convert"},
    "transfer": {
        *GROUND,
        *("devices", "display", "optimize", "perceptual", "weights_convert"),
    },
    "collection": {"display", "errors", "options", "images", "transfer"},
    "nst_jax": {
        "version",
        "options",
        "losses",
        "perceptual",
        "feedforward",
        "transfer",
    },
    "__main__": {"commands"},
    "web": {*GROUND, *PROGRAM, "display"},
    "commands": {*GROUND, *PROGRAM, "display", "web"},
    "scripts": {*GROUND, *PROGRAM, "display"},
    "bench": {
        *GROUND,
        "devices",
        "feedforward",
        "nst_jax",
        "optimize",
        "presets",
        "transfer",
        "weights_convert",
    },
}


def room(name: str) -> str:
    """`nst_jax.losses.gram` -> `losses`; other packages are one room each."""
    parts = name.split(".")
    return parts[1] if parts[0] == "nst_jax" and len(parts) > 1 else parts[0]


def imports(path: Path) -> set[str]:
    """Modules, and names of them, that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_nothing_runs_upward():
    wrong = []
    for path in [*PRODUCT, *ROOT.glob("scripts/**/*.py"), *ROOT.glob("bench/**/*.py")]:
        here = room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        here = "nst_jax" if here == "__init__" else here
        rooms = {
            room(n)
            for n in imports(path)
            if n.split(".")[0] in ("nst_jax", "weights_convert")
        }
        wrong += [
            f"{path.name}: {here} -> {to}" for to in rooms - {here} - MAY_IMPORT[here]
        ]
    assert not wrong
    seen = {n for p in ROOT.glob("nst_jax/networks/*.py") for n in imports(p)}
    of_losses = {n for n in seen if n.startswith("nst_jax.losses")}
    assert all(n.startswith("nst_jax.losses.view") for n in of_losses)


def test_rooms_hold_no_circle():
    order: list[str] = []
    while left := MAY_IMPORT.keys() - set(order):
        free = [one for one in left if MAY_IMPORT[one] - {one} <= set(order)]
        assert free, left
        order += free


def test_the_map_names_every_file_of_a_room_and_no_other():
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    drawn = text.split("## Rooms")[1].split("```")[1]
    product, ground = drawn.split("weights_convert/", 1)
    sections = dict(re.findall(r"^  (\w+)/ +(.*(?:\n {16}.*)*)", product, re.MULTILINE))
    for folder in (p for p in (ROOT / "nst_jax").iterdir() if list(p.glob("*.py"))):
        words = set(re.findall(r"\w+", sections[folder.name]))
        files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
        assert files <= words, folder.name
    for base, section in ((ROOT / "nst_jax", product), (GROUND_FLOOR, ground)):
        files = {path.stem for path in base.glob("*.py") if path.stem[0] != "_"}
        assert files <= set(re.findall(r"\w+", section)), base.name
    named = re.findall(r"`([\w/]+/\w+\.py)`", text)
    assert named
    roots = (ROOT, ROOT / "nst_jax", GROUND_FLOOR)
    assert not [n for n in named if not any((root / n).exists() for root in roots)]


def test_only_what_computes_loads_jax():
    for statement in (
        "import nst_jax; nst_jax.Options()",
        "import nst_jax.collection.plate, nst_jax.collection.gallery",
        "import nst_jax.display.bar, nst_jax.display.loss_curve",
        "import contextlib, io, nst_jax.commands.main as m; m.parser().format_help()\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    asked = m.parser().parse_args(['completion', 'bash'])\n"
        "    asked.run(asked)",
        "import weights_convert.fetch, nst_jax.commands.weights",
        "import nst_jax.web.atelier as m; m.catalogue.catalogue(m.DEFAULT)",
    ):
        loaded = "[n for n in ('jax', 'flax', 'optax', 'torch') if n in sys.modules]"
        code = f"import sys\n{statement}\nprint({loaded})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
        )
        assert (done.stdout.strip(), done.stderr) == ("[]", ""), statement


def test_devices_alone_know_the_kinds_of_devices():
    """Others ask what follows from it (`devices/suited.py`, `devices/memory.py`)."""
    asks = {"default_backend", "devices", "local_devices", "kind"}
    wrong = []
    for path in ROOT.glob("nst_jax/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                asked = node.value.id in ("jax", "backend") and node.attr in asks
                if asked and path.parent.name != "devices":
                    wrong.append(f"{path.name}:{node.lineno} {node.attr}")
    assert not wrong


def test_the_library_needs_no_other_framework():
    heavy = {"torch", "torchvision", "tensorflow", "keras"}
    assert not [p for p in PRODUCT if {n.split(".")[0] for n in imports(p)} & heavy]


def test_files_are_short_and_say_what_they_are():
    texts = {path: path.read_text(encoding="utf-8") for path in PRODUCT}
    assert not [p for p, text in texts.items() if len(text.splitlines()) > 350]
    assert not [
        p for p, text in texts.items() if not ast.get_docstring(ast.parse(text))
    ]
    assert not [p for p in texts if p.name == "utils.py"]


def test_public_names_resolve_and_are_documented():
    assert nst_jax.__all__ == sorted(nst_jax.__all__)
    for name in set(nst_jax.__all__) - {"__version__"}:
        value = getattr(nst_jax, name)
        # A dataclass without a docstring gets its signature for one.
        assert value.__doc__, name
        assert not value.__doc__.startswith(f"{name}(")
    with pytest.raises(AttributeError, match="no attribute 'styllize'"):
        nst_jax.styllize  # noqa: B018


def test_the_version_is_written_once():
    written = [p for p in PRODUCT if f'"{nst_jax.__version__}"' in p.read_text("utf-8")]
    assert [path.name for path in written] == ["version.py"]
