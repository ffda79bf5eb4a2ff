"""The map of design.md, kept: who imports whom, how long files are, what is public."""

import ast
import importlib.metadata
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import nst_jax

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for package in ("nst_jax", "weights_convert")
    for path in ROOT.glob(f"{package}/**/*.py")
)

_BELOW_VERBS = (
    *("options", "networks", "losses", "images", "optimize", "problem"),
    *("coloring", "pictures", "framing", "results", "coarse_to_fine"),
)

# Room -> the rooms that it may import from, besides itself. `nst_jax` alone, that is
# `nst_jax/__init__.py` with the version, is open to all.
MAY_IMPORT = {
    "nst_jax": {"options", "verbs", "batch", "optimize", "results"},
    "options": set(),
    "presets": {"options"},
    "sweep": {"options"},
    "networks": {"options"},
    "losses": {"options"},
    "images": {"options"},
    "optimize": {"options", "networks", "losses", "images"},
    "problem": {"options", "networks", "losses", "images"},
    "coloring": {"options", "images"},
    "pictures": {"options", "images", "coloring"},
    "framing": {"images", "coloring", "pictures", "problem"},
    "results": {"options", "images", "optimize"},
    "coarse_to_fine": {"images", "optimize", "framing", "pictures", "problem"},
    "verbs": {*_BELOW_VERBS, "weights_convert"},
    "grouping": {*_BELOW_VERBS, "verbs"},
    "batch": {*_BELOW_VERBS, "verbs", "grouping", "sweep", "weights_convert"},
    "commands": {
        *(*_BELOW_VERBS, "presets", "sweep", "verbs", "batch", "weights_convert"),
    },
    "weights_convert": {"networks"},
}

# What starts quickly has no JAX in it.
WITHOUT_JAX = (
    "nst_jax/__init__.py",
    "nst_jax/options.py",
    "nst_jax/sweep.py",
    "nst_jax/networks/tables/__init__.py",
    "nst_jax/networks/tables/table.py",
    "nst_jax/networks/tables/vgg.py",
    "nst_jax/networks/tables/alexnet.py",
    "nst_jax/networks/tables/googlenet.py",
    "nst_jax/networks/tables/squeezenet.py",
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> str:
    """`nst_jax.losses.gram` -> `losses`; `weights_convert` is one room."""
    parts = module.split(".")
    return parts[1] if parts[0] == "nst_jax" and len(parts) > 1 else parts[0]


def imports(path: Path) -> set[str]:
    """Modules imported anywhere in a file, by full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {_source(node.module or "", alias.name) for alias in node.names}
    return found


def _source(module: str, name: str) -> str:
    """The module that `from module import name` reads."""
    inner = ROOT.joinpath(*module.split("."), name)
    is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
    return f"{module}.{name}" if is_module else module


def ours(path: Path) -> set[str]:
    return {
        name
        for name in imports(path)
        if name.split(".")[0] in ("nst_jax", "weights_convert")
    }


def test_the_sources_are_found():
    assert {room(module_name(path)) for path in SOURCES} == MAY_IMPORT.keys()
    registry = ROOT / "nst_jax/networks/registry.py"
    assert {"nst_jax.networks.network", "weights_convert.architectures"} <= ours(
        registry
    )
    assert "jax" in imports(registry)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_direction_of_imports(path):
    here = room(module_name(path))
    rooms = {room(name) for name in ours(path)} - {here, "nst_jax"}
    assert rooms <= MAY_IMPORT[here], f"{here} imports {rooms - MAY_IMPORT[here]}"


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if room(module_name(p)) == "weights_convert"],
    ids=module_name,
)
def test_weights_convert_knows_the_tables_only(path):
    of_nst_jax = {name for name in ours(path) if name.startswith("nst_jax")}
    assert of_nst_jax <= {"nst_jax", "weights_convert.architectures"}
    if "nst_jax" in of_nst_jax:
        assert "from nst_jax import __version__" in path.read_text(encoding="utf-8")


def is_of_jax(name: str) -> bool:
    return name.split(".")[0] in ("jax", "jaxlib", "flax", "optax")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in SOURCES
        if room(module_name(path)) in ("images", "weights_convert")
        or path.relative_to(ROOT).as_posix() in WITHOUT_JAX
    ],
    ids=module_name,
)
def test_rooms_without_jax(path):
    assert not {name for name in imports(path) if is_of_jax(name)}


@pytest.mark.parametrize(
    "statement",
    [
        "import nst_jax; nst_jax.Options()",
        "import nst_jax.images.files, nst_jax.collection.sheet",
        "import nst_jax.commands.main as m; m.parser().format_help()",
        "import weights_convert.commands, weights_convert.fetch",
        "import nst_jax.commands.weights",
    ],
)
def test_loaded_without_jax(statement):
    code = f"""
import sys
{statement}
print([name for name in ("jax", "flax", "optax", "torch") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_the_library_loads_no_torch():
    for path in SOURCES:
        names = {name.split(".")[0] for name in imports(path)}
        assert not names & {"torch", "torchvision", "tensorflow", "keras"}, path


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert path.name != "utils.py"
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("name", [n for n in nst_jax.__all__ if n != "__version__"])
def test_public_names_resolve_and_are_documented(name):
    value = getattr(nst_jax, name)
    assert value.__name__ == name
    assert value.__doc__
    # A dataclass without a docstring gets its signature for one.
    assert not value.__doc__.startswith(f"{name}(")
    assert inspect.getmodule(value).__name__.startswith("nst_jax.")


def test_there_are_no_other_public_names():
    with pytest.raises(AttributeError, match="no attribute 'styllize'"):
        nst_jax.styllize  # noqa: B018
    assert nst_jax.__all__ == sorted(nst_jax.__all__)


def test_the_version_is_written_once():
    assert nst_jax.__version__ == importlib.metadata.version("nst-jax")
    written = [p for p in SOURCES if f'"{nst_jax.__version__}"' in p.read_text("utf-8")]
    assert [module_name(path) for path in written] == ["nst_jax"]
