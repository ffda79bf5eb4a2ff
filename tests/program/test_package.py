"""What is shipped: wheel and sdist, built, looked into, installed and run elsewhere."""

import email
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import nst_jax

ROOT = Path(__file__).parents[1]
STEM = f"nst_jax-{nst_jax.__version__}"


def run(*arguments: str, cwd: Path, **environment: str) -> str:
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
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
    run("-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
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
    """A folder with nothing but the installed wheel."""
    folder = tmp_path_factory.mktemp("installed")
    arguments = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    file = str(built / f"{STEM}-py3-none-any.whl")
    pip = ("-m", "pip", "install", *arguments, "--target", str(folder), file)
    run(*pip, cwd=folder)
    return folder


def sources(package: str) -> set[str]:
    paths = ROOT.glob(f"{package}/**/*.py")
    return {path.relative_to(ROOT).as_posix() for path in paths}


def test_the_wheel_has_both_packages_and_nothing_else(wheel):
    info = f"{STEM}.dist-info"
    names = set(wheel.namelist())
    code = {name for name in names if not name.startswith(info)}
    assert code == sources("nst_jax") | sources("weights_convert")
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
        *("tests/conftest.py", "tests/test_package.py"),
    }
    for folder in ("nst_jax", "weights_convert", "tests", "scripts"):
        expected |= sources(folder)
    expected |= {
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("examples/*/*.jpg")
    }
    assert expected <= names
    assert not [
        name
        for name in names
        if "__pycache__" in name or name.startswith((".git/", ".venv/", "out/"))
    ]


def run_installed(installed: Path, elsewhere: Path, *arguments: str) -> str:
    return run(*arguments, cwd=elsewhere, PYTHONPATH=str(installed))


def test_every_module_loads_from_the_installed_wheel(installed, tmp_path):
    code = """
import importlib, pkgutil
import nst_jax, weights_convert

for package in (nst_jax, weights_convert):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        print(importlib.import_module(module.name).__file__)
"""
    files = run_installed(installed, tmp_path, "-c", code).splitlines()
    assert {Path(file).relative_to(installed).as_posix() for file in files} == (
        sources("nst_jax") | sources("weights_convert")
    ) - {"nst_jax/__init__.py", "weights_convert/__init__.py"}


def test_the_library(installed, tmp_path):
    code = """
import nst_jax

options = nst_jax.Options(size=64, steps=2)
print(nst_jax.__file__)
print(options.size, *(callable(f) for f in (nst_jax.stylize, nst_jax.load_network)))
"""
    lines = run_installed(installed, tmp_path, "-c", code).splitlines()
    assert lines == [str(installed / "nst_jax/__init__.py"), "64 True True"]


def test_nst_jax(installed, tmp_path):
    program = ("-m", "nst_jax.commands.main")
    version = run_installed(installed, tmp_path, *program, "--version")
    assert version.strip() == nst_jax.__version__
    assert "nst-jax stylize photo.jpg" in run_installed(
        installed, tmp_path, *program, "--help"
    )
    assert "--style_weight" in run_installed(
        installed, tmp_path, *program, "stylize", "--help"
    )


def test_nst_weights(installed, tmp_path):
    program = ("-m", "weights_convert.commands", "list")
    listed = run(
        *program, cwd=tmp_path, PYTHONPATH=str(installed), NST_JAX_HOME=str(tmp_path)
    )
    for name in ("vgg16", "vgg19", "vgg19-torchvision"):
        assert f"\n{name}: not stored" in listed
    assert listed.startswith(f"store: {tmp_path}")


def test_the_programs_are_installed_by_name(wheel):
    assert wheel.read(f"{STEM}.dist-info/entry_points.txt").decode().split() == [
        "[console_scripts]",
        *("nst-jax", "=", "nst_jax.commands.main:run"),
        *("nst-weights", "=", "nst_jax.commands.weights:run"),
    ]
