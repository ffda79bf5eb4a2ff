"""What is shipped: wheel and sdist, built, looked into, installed and run elsewhere."""

import email
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import nst_jax

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STEM = f"nst_jax-{nst_jax.__version__}"


def files_of(*folders: str) -> set[str]:
    paths = (path for folder in folders for path in ROOT.glob(f"{folder}/**/*"))
    return {
        path.relative_to(ROOT).as_posix()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    }


PACKAGED = files_of("nst_jax", "weights_convert")


def run(*command: str | Path, cwd: Path) -> str:
    ran = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "NST_JAX_HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    build = (sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    run(*build, ROOT, cwd=folder)
    assert {path.name for path in folder.iterdir()} == {
        f"{STEM}.tar.gz",
        f"{STEM}-py3-none-any.whl",
    }
    return folder


@pytest.fixture(scope="module")
def wheel(built) -> zipfile.ZipFile:
    with zipfile.ZipFile(built / f"{STEM}-py3-none-any.whl") as archive:
        yield archive


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The programs of a fresh environment with the wheel.

    What the wheel depends on is borrowed from the environment of this test.
    """
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    programs = folder / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "install")
    flags = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    run(*pip, *flags, built / f"{STEM}-py3-none-any.whl", cwd=folder)
    purelib = sysconfig.get_path("purelib", vars={"base": str(folder)})
    Path(purelib, "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return programs


def test_the_wheel_has_both_packages_and_nothing_else(wheel):
    assert {Path(name).suffix for name in PACKAGED} >= {".py", ".html", ".css", ".js"}
    assert "weights_convert/architectures/vgg.py" in PACKAGED
    info = f"{STEM}.dist-info"
    names = set(wheel.namelist())
    code = {name for name in names if not name.startswith(info)}
    assert code == PACKAGED | {
        f"nst_jax/web/samples/{name.removeprefix('examples/')}"
        for name in files_of("examples/photos", "examples/styles", "examples/presets")
    }
    assert names - code == {
        f"{info}/{name}"
        for name in (
            *("METADATA", "WHEEL", "RECORD", "entry_points.txt"),
            *("licenses/LICENSE", "licenses/NOTICE"),
        )
    }


def test_the_metadata(wheel):
    text = wheel.read(f"{STEM}.dist-info/METADATA").decode()
    metadata = email.message_from_string(text)
    assert metadata["Name"] == "nst-jax"
    assert metadata["Version"] == nst_jax.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata["Requires-Python"].split(",")) == {"<3.14", ">=3.11"}
    extras = {"cuda12", "cuda13", "tpu", "test", "parity", "bench"}
    assert extras <= set(metadata.get_all("Provides-Extra"))
    needed = [r for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]
    assert not [r for r in needed if r.startswith(("torch", "keras", "protobuf"))]
    assert [r for r in needed if r.startswith("jax")]


def test_the_sdist_has_all_that_is_needed_to_work_on_it(built):
    with tarfile.open(built / f"{STEM}.tar.gz") as archive:
        names = {name.removeprefix(f"{STEM}/") for name in archive.getnames()}
    expected = {
        *("LICENSE", "NOTICE", "README.md", "pyproject.toml", "PKG-INFO"),
        *("scripts/demo.sh", "scripts/test.sh", "examples/README.md"),
        *("tests/conftest.py", "tests/program/test_package.py"),
    }
    expected |= PACKAGED | files_of("tests", "scripts", "docs", "bench", "examples")
    assert expected <= names
    assert not [
        name
        for name in names
        if "__pycache__" in name or name.startswith((".git/", ".venv/", "out/"))
    ]


def test_every_module_loads_from_the_installed_wheel(installed, tmp_path):
    code = """
import importlib, pkgutil
import nst_jax, weights_convert

for package in (nst_jax, weights_convert):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        print(importlib.import_module(module.name).__file__)
"""
    files = run(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    assert all(file.startswith(str(installed.parent)) for file in files)
    modules = {name for name in PACKAGED if name.endswith(".py")}
    assert {file.partition("/site-packages/")[2] for file in files} == modules - {
        *("nst_jax/__init__.py", "weights_convert/__init__.py")
    }


def test_the_library(installed, tmp_path):
    code = """
import nst_jax

options = nst_jax.Options(size=64, steps=2)
print(options.size, *(callable(f) for f in (nst_jax.stylize, nst_jax.load_network)))
"""
    assert run(installed / "python", "-c", code, cwd=tmp_path) == "64 True True\n"


def test_nst_jax(installed, tmp_path):
    program = installed / "nst-jax"
    assert run(program, "--version", cwd=tmp_path).strip() == nst_jax.__version__
    assert "nst-jax stylize photo.jpg" in run(program, "--help", cwd=tmp_path)
    assert "--style_weight" in run(program, "stylize", "--help", cwd=tmp_path)


@pytest.mark.slow
def test_a_fresh_installation_paints_without_network(installed, tmp_path):
    photo = str(ROOT / "examples/photos/cat.jpg")
    command = (installed / "nst-jax", "apply", photo, "--size=128", "-o", "out.png")
    assert run(*command, "--offline", cwd=tmp_path).startswith("out.png: 128x85; ")
    assert (tmp_path / "out.png").stat().st_size > 10_000


def test_nst_weights(installed, tmp_path):
    program = installed / "nst-weights"
    assert "nst-weights fetch vgg19" in run(program, "--help", cwd=tmp_path)
    listed = run(program, "list", cwd=tmp_path)
    for name in ("vgg16", "vgg19", "vgg19-torchvision"):
        assert f"\n{name}: not stored" in listed
    assert listed.startswith(f"store: {tmp_path}")
