"""The program: what it prints, its exit status, one line for each error."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from support.weights_files import legacy

from weights_convert import commands, store
from weights_convert.architectures import find

VGG16 = find("vgg16")


def _run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "weights_convert.commands", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=60,
    )


def _call(*arguments: str) -> int:
    return commands.main(commands.parse(["nst-weights", *arguments]))


def _store_vgg16() -> Path:
    shapes = VGG16.shapes
    arrays = {key: np.full(shape, 0.5, np.float32) for key, shape in shapes.items()}
    return store.save(VGG16, arrays, {"source": "a test", "licence": "none"})


def test_list_shows_what_is_stored_and_where_the_rest_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _store_vgg16()
    assert _call("list") == 0
    out = capsys.readouterr().out
    assert re.search(r"^vgg16: stored, 58\.9 MB\n  stored from  a test$", out, re.M)
    assert "vgg19: not stored" in out
    assert "80.1 MB" in out
    assert "size unknown" in out
    assert "made by `nst-weights normalize vgg19 IMAGES...`" in out
    assert "CC BY 4.0" in out
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in out


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        _call("--version")
    assert caught.value.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_a_source_without_effect_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    small = find("squeezenet1_1")
    arrays = {key: np.zeros(shape, np.float32) for key, shape in small.shapes.items()}
    path = store.save(small, arrays, {"source": "a test"})
    assert _call("fetch", small.name, "--source=foo") == 1
    assert "no source 'foo'; it has torchvision" in capsys.readouterr().err
    assert _call("fetch", small.name, "--source=torchvision") == 0
    out, err = capsys.readouterr()
    assert out == f"{path}\n"
    assert err == (
        "nst-weights: squeezenet1_1 is stored already (a test); --source=torchvision"
        " takes effect with --force alone\n"
    )


def test_verify_prints_each_layer(capsys: pytest.CaptureFixture[str]) -> None:
    path = _store_vgg16()
    assert _call("verify", "vgg16") == 0
    out = capsys.readouterr().out
    assert re.search(r"^conv3_1/kernel +3x3x128x256 +0\.5 +0$", out, re.M)
    assert len(re.findall(r"^conv\d_\d/", out, re.M)) == 26
    assert out.splitlines()[-1] == (
        f"vgg16: hash, shapes and values are right ({path})"
    )


def test_taps_lists_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert _call("taps", "googlenet") == 0
    names = capsys.readouterr().out.splitlines()
    assert tuple(names) == find("googlenet").taps
    assert _call("taps", "vgg99") == 1
    assert "network 'vgg99' is not known" in capsys.readouterr().err


def test_convert_own_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = shutil.copy(_store_vgg16(), tmp_path / "own.bin")
    store.weights_path(VGG16).unlink()
    assert _call("convert", str(own), "--to", "vgg16") == 0
    assert capsys.readouterr().out == f"{store.weights_path(VGG16)}\n"
    arrays, metadata = store.load(VGG16)
    assert arrays["conv1_1/kernel"][0, 0, 0, 0] == 0.5
    assert metadata["source"] == "own.bin"
    assert metadata["format"] == "safetensors"


def test_export_writes_torchvisions_names(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _store_vgg16()
    path = tmp_path / "out.safetensors"
    assert _call("export", "vgg16", str(path)) == 0
    assert capsys.readouterr().out == f"{path}\n"
    with safetensors.safe_open(path, "numpy") as file:
        assert file.get_slice("features.28.weight").get_shape() == [512, 512, 3, 3]
        assert file.metadata()["licence"] == "none"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["export", "vgg16", "out"],
            "the weights of vgg16 are not stored in .*fetch v",
        ),
        (["fetch", "vgg19-normalized"], "vgg19-normalized is not published; make it "),
        (["verify", "vgg16"], "the weights of vgg16 are not stored in .*nst-weights f"),
        (["fetch", "vgg91"], "network 'vgg91' is not known; choose one of vgg19, "),
        (["fetch", "vgg16", "--source=x"], "vgg16 has no source 'x'; it has keras"),
        (["convert", "none.pth", "--to", "vgg16"], "none.pth: No such file"),
        (["convert", "empty", "--to", "vgg16"], "empty: the file is empty"),
        (["convert", "text", "--to", "vgg16"], "text: text, not weights: get the we"),
        (["convert", "bytes", "--to", "vgg16"], "bytes: not a weights file known here"),
        (["convert", ".", "--to", "vgg16"], ".: Is a directory"),
        (["convert", "evil.pth", "--to", "vgg16"], "evil.pth: its pickle asks for 'os"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("text").write_text("not weights at all")
    Path("bytes").write_bytes(b"\1\2\3\4 not weights at all")
    Path("evil.pth").write_bytes(legacy(b"\x80\x02cos\nsystem\nX\x01\0\0\0x\x85R."))
    assert _call(*arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"nst-weights: {line}.*\n", err)


@pytest.mark.parametrize(
    "arguments", [[], ["frob"], ["fetch"], ["convert"], ["list", "--frob"]]
)
def test_usage_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        _call(*arguments)
    assert caught.value.code == 2
    assert re.fullmatch(r"nst-weights: .* \(see .*--help\)\n", capsys.readouterr().err)


def test_the_program_itself(tmp_path: Path) -> None:
    done = _run("verify", "vgg16")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("nst-weights: the weights of vgg16 are not stored")
    shown = _run("--help")
    assert shown.returncode == 0
    for word in (
        "list",
        "fetch",
        "convert",
        "verify",
        "export",
        "NST_JAX_HOME",
        "NST_JAX_MIRROR",
    ):
        assert word in shown.stdout


def test_ctrl_c_is_one_line_and_130(server: Any) -> None:
    server.hang = True
    process = subprocess.Popen(
        [sys.executable, "-m", "weights_convert.commands", "fetch", "vgg16"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NST_JAX_MIRROR": server.url},
    )
    assert process.stderr is not None
    assert "fetching vgg16" in process.stderr.readline()
    deadline = time.monotonic() + 10
    while not server.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert re.fullmatch(r"nst-weights: interrupted; .*\n", err)


def test_a_file_may_lie_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    exporting = commands.parse(["nst-weights", "export", "vgg16", "~/a.pth"])
    assert exporting.file == tmp_path / "a.pth"
    parsed = commands.parse(["nst-weights", "convert", "~/a.pth", "--to", "vgg16"])
    assert parsed.files == [tmp_path / "a.pth"]
    (tmp_path / "~").mkdir()
    (tmp_path / "~/a.pth").touch()
    parsed = commands.parse(["nst-weights", "convert", "~/a.pth", "--to", "vgg16"])
    assert parsed.files == [Path("~/a.pth")]
