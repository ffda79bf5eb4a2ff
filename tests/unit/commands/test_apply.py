"""`nst-jax apply`: one picture, folders, streams and clips."""

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import stylizers
from support.batch_folder import folder, picture
from support.masks import halves
from support.program import run
from support.stored_weights import home

from nst_jax.collection import lock, manifest
from nst_jax.feedforward.options import SHIPPED, model_of
from nst_jax.images import color, encode, files
from weights_convert.stylizers import files as files_of

__all__ = ["folder", "home"]

ROOT = Path(__file__).parents[3]
OFF = "--compilation_cache_dir=off"
MODEL = "--model=net.safetensors"


@pytest.fixture
def place(folder):
    """The working folder, with a network of three styles in it."""
    stylizers.put(folder / "net.safetensors")
    return folder


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_one_picture(place, capsys):
    assert run("apply", "photos/a.png", MODEL, "--style=munch", OFF) == 0
    found = files.read("a_net_munch.png")
    assert found.shape == files.read("photos/a.png").shape
    about = files.read_description("a_net_munch.png")
    assert about["options"]["style"] == "munch"
    assert {"nst_jax", "jax", "python"} <= about["versions"].keys()
    output, errors = capsys.readouterr()
    assert output.startswith("a_net_munch.png: 48x66; ")
    for word in ("compiling", "painting", "reading", "writing", "pictures/s"):
        assert word in output
    assert errors == ""


def test_another_process_is_at_work(place, capsys):
    with lock.held(place / "out"):
        assert run("apply", "photos", MODEL, "--style=1", "-o", "out", OFF) == 1
        output, errors = capsys.readouterr()
        assert output == ""
        line = (
            f"nst-jax: out: another process ({os.getpid()}) is at work in this folder"
        )
        assert errors.startswith(line)
        assert errors.count("\n") == 1
    assert not (place / "out").exists()


@pytest.mark.slow
def test_folders_go_on_where_they_were(place, capsys):
    for number in range(3, 6):  # Of two shapes, one frame.
        files.write(place / f"photos/{number}.png", picture(number, 66, 46))
    (place / "photos/bad.jpg").write_text("no picture")
    command = ("apply", "photos", MODEL, "--style=1", "-o", "out", OFF)
    assert run(*command) == 1
    output, errors = capsys.readouterr()
    assert "photos/bad.jpg: is not an image" in errors
    assert errors.count("\n") == 1
    made = [f"{name}_net_1.png" for name in ("3", "4", "5", "a", "b")]
    assert names(place / "out") == [
        *made,
        *("contact_sheet.jpg", "index.html", "manifest.jsonl"),
    ]
    entries = manifest.read(place / "out/manifest.jsonl")
    assert [entry.status for entry in entries.values()].count("done") == 5
    assert "out/index.html: 5 pictures" in output
    # Again: nothing is made but what is missing, or changed.
    before = {name: (place / "out" / name).stat().st_mtime_ns for name in made}
    (place / "out/3_net_1.png").unlink()
    files.write(place / "photos/a.png", picture(9))
    (place / "photos/bad.jpg").unlink()
    assert run(*command) == 0
    output, errors = capsys.readouterr()
    assert "3 of 5 are done already" in errors
    changed = {
        name
        for name in made
        if (place / "out" / name).stat().st_mtime_ns != before[name]
    }
    assert changed == {"3_net_1.png", "a_net_1.png"}
    # Another network of the same name makes all anew.
    stylizers.put(place / "net.safetensors", seed=1)
    assert run(*command) == 0
    assert "done already" not in capsys.readouterr().err


@pytest.mark.slow
def test_pictures_of_a_folder_are_what_each_is_alone(place):
    files.write(place / "photos/c.png", picture(3, 62, 46))
    assert run("apply", "photos", MODEL, "--style=1", "-o", "out", OFF) == 0
    assert run("apply", "photos/c.png", MODEL, "--style=1", "-o", "c.png", OFF) == 0
    alone, together = files.read("c.png"), files.read("out/c_net_1.png")
    assert np.abs(alone - together).max() < 1.5 / 255


@pytest.mark.slow
def test_all_styles_of_a_network(place):
    command = ("apply", "photos/a.png", MODEL, "--style=all", "-o", "all/", OFF)
    assert run(*command) == 0
    made = [f"a_net_{name}.png" for name in ("klee", "monet", "munch")]
    assert names(place / "all")[:3] == made
    first, *others = (files.read(place / "all" / name) for name in made)
    assert all(np.abs(first - other).max() > 0.05 for other in others)


class _Standard:
    """Standard input or output as bytes, of a file that has a number."""

    def __init__(self, file):
        self.buffer = file

    def fileno(self):
        return self.buffer.fileno()

    def flush(self):
        self.buffer.flush()


@pytest.mark.parametrize("raw", [True, False])
def test_streams_come_out_as_they_went_in(place, monkeypatch, raw):
    images = [encode.quantize(picture(n, 66, 48)) for n in range(3)]
    content = b""
    for pixels in images:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        content += pixels.tobytes() if raw else file.getvalue()
    (place / "in").write_bytes(content)
    flags, mask = (["--stream=48x66"], []) if raw else ([], ["--mask=left.png"])
    Image.fromarray((255 * halves(66, 48)).astype(np.uint8)).save("left.png")
    with open("in", "rb") as source, open("out", "wb") as target:
        monkeypatch.setattr(sys, "stdin", _Standard(source))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", _Standard(target))
            assert run("apply", "-", MODEL, "--style=1", *flags, *mask, OFF) == 0
    found = (place / "out").read_bytes()
    if raw:
        frames = np.frombuffer(found, np.uint8).reshape(3, 66, 48, 3)
    else:
        parts = [b"\x89PNG" + part for part in found.split(b"\x89PNG")[1:]]
        frames = [np.asarray(Image.open(io.BytesIO(part))) for part in parts]
    assert len(frames) == 3
    files.write("one.png", images[2] / np.float32(255))
    command = ("apply", "one.png", MODEL, "--style=1", *mask, "-o", "alone.png", OFF)
    assert run(*command) == 0
    alone = np.asarray(Image.open("alone.png"))
    assert np.abs(alone.astype(int) - frames[2]).max() <= 1


@pytest.mark.parametrize(
    ("style", "model"),
    [
        (None, "starry_night"),
        ("3", "styles26"),
        ("3:0.7,5:0.3", "styles26"),
        ("all", "styles26"),
        ("glass", "glass"),
        ("paintings/wave.jpg", "arbitrary"),
        ("a.jpg:0.5,b.jpg:0.5", "arbitrary"),
    ],
)
def test_a_style_alone_says_which_network_is_meant(style, model):
    assert model_of(style) == model


def test_a_style_that_is_no_painting_fetches_nothing(place, monkeypatch, capsys):
    monkeypatch.setenv("NST_JAX_HOME", str(place / "empty"))
    assert run("apply", "photos/a.png", "--style=monet", OFF) == 1
    said = capsys.readouterr().err
    assert "style=monet: no such painting; check the name, or name the netw" in said
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["starry_night", "glass"])
def test_networks_that_come_with_the_package_paint_offline(place, monkeypatch, model):
    """The colours of the painting, the lines of the photo."""
    monkeypatch.setenv("NST_JAX_HOME", str(place / "empty"))
    photo = files.read(ROOT / "examples/photos/cat.jpg")[40:168, 100:260]
    files.write("cat.png", photo)
    assert run("apply", "cat.png", f"--style={model}", "-o", "out.png", OFF) == 0
    found = files.read("out.png")
    assert found.shape == photo.shape
    light, dark = (color.luminance(image).ravel() for image in (found, photo))
    assert 0.3 < np.corrcoef(light, dark)[0, 1] < 0.99
    red, _, blue = (found.mean((0, 1)) - photo.mean((0, 1))).tolist()
    assert blue > red + 0.05


@pytest.mark.parametrize("model", ["starry_night", "glass"])
def test_networks_that_come_with_the_package_are_small_and_free(model):
    path = SHIPPED / f"{model}.safetensors"
    assert path.stat().st_size < 1e6
    _, about = files_of.load(path)
    assert about["licence"] == "Apache-2.0"
    assert "freely licensed photos" in about["source"]


def test_lists_of_networks(place, monkeypatch, capsys):
    monkeypatch.setenv("NST_JAX_HOME", str(place / "store"))
    stylizers.put(place / "store/stylizers/mine.safetensors")
    assert run("apply", "--list") == 0
    lines = capsys.readouterr().out
    assert "mine             stored here\n" in lines
    assert "--style=monet, munch, klee\n" in lines
    assert "styles26" in lines


@pytest.mark.slow
def test_clips_keep_their_sound(place, capsys):
    from support import clips

    source = clips.make(place / "clip.mp4")
    assert run("apply", "clip.mp4", MODEL, "--style=1", "-o", "new.mp4", OFF) == 0
    before, after = clips.look(source), clips.look(place / "new.mp4")
    assert (after.sound, after.times) == (before.sound, before.times)
    assert capsys.readouterr().out.startswith("new.mp4: 12 frames of 64x48; ")
    files.write("one.png", before.images[5])
    assert run("apply", "one.png", MODEL, "--style=1", "-o", "alone.png", OFF) == 0
    # But for what H.264 takes, of colours most.
    pair = (
        color.luminance(image) for image in (files.read("alone.png"), after.images[5])
    )
    assert np.abs(np.subtract(*pair)).mean() < 0.02
    command = ("apply", "clip.mp4", MODEL, "--style=1", "--smooth=3", "--size=32")
    assert run(*command, "-o", "new.mkv", OFF) == 0
    assert clips.look(place / "new.mkv").images[0].shape == (24, 32, 3)
    kept = (255 * halves(*clips.SHAPE)).astype(np.uint8)
    Image.fromarray(kept).save("kept.png")
    Image.fromarray(kept.T).save("turned.png")
    masked = ("apply", "clip.mp4", MODEL, "--style=1", "--keep_mask=kept.png")
    assert run(*masked, "--smooth=2", "-o", "part.mp4", OFF) == 0
    part = clips.look(place / "part.mp4")
    assert (part.sound, part.times) == (before.sound, before.times)
    light = [color.luminance(of.images[5]) for of in (part, before, after)]
    assert np.abs(light[0] - light[1])[:, :30].mean() < 0.02
    assert np.abs(light[0] - light[1])[:, 34:].mean() > 0.05
    assert '"keep_mask": "kept.png"' in part.comment
    for bad, line in {
        ("clip.mp4", "--mask=turned.png", "-o", "t.mp4"): "of another aspect ratio",
        ("clip.mp4", "--mask=part.mp4", "-o", "part.mp4"): "part.mp4: is read too",
        ("clip.mp4", "-o", "clip.mp4"): "clip.mp4: is read too",
        ("clip.mp4", "-o", "new.gif"): "the ending is '.gif'",
        ("photos/notes.txt", "-o", "new.mp4"): "notes.txt: is not a video",
        ("clip.mp4", "-o", "new.webm"): r"its sound (aac)",
    }.items():
        capsys.readouterr()
        assert run("apply", *bad, MODEL, "--style=1", OFF) == 1
        assert line in capsys.readouterr().err
    assert not list(place.glob(".nst_jax*"))
