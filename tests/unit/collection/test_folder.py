"""The folder of results, filled with results that are made up here."""

import dataclasses
import html
import itertools
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.classic import classic

from nst_jax.collection import manifest
from nst_jax.collection.folder import Folder
from nst_jax.collection.wanted import Wanted
from nst_jax.errors import DivergenceError, ImageError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.transfer.jobs import Job
from nst_jax.transfer.results import Result

OPTIONS = classic(size=32, steps=4)


def grey(value: float, height: int = 20, width: int = 20) -> np.ndarray:
    return np.full((height, width, 3), value, np.float32)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working folder, with two photos and two paintings, all square."""
    for number, name in enumerate("abpq"):
        files.write(tmp_path / f"{name}.png", grey(0.2 * number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def said():
    return []


@pytest.fixture
def opened(place, said):
    """Opens the folder for these pictures."""

    def open_for(wanted, path="out", weights="1", overwrite=None):
        def say(line, *, file=None):
            said.append(line)

        of = {"vgg19": weights}
        return Folder(Path(path), wanted, weights=of, say=say, overwrite=overwrite)

    return open_for


def wanted_of(contents="ab", styles="pq", options=OPTIONS, at=(), **changes):
    pairs = itertools.product(contents, styles)
    return [
        Wanted(
            Job(Source(f"{c}.png"), (Source(f"{s}.png"),), options, at),
            f"{c}_{s}.png",
            {},
            **changes,
        )
        for c, s in pairs
    ]


PLAIN = wanted_of()
(ONE,) = wanted_of("a", "p")


def result(iterations=4, **changes):
    losses = np.array([5.0, 4.0, 3.0, 2.5, 2.0], np.float32)[: iterations + 1]
    values = {
        "image": grey(0.5, 10, 15),
        "loss": float(losses[-1]),
        "losses": losses,
        "iterations": iterations,
        "seconds": 1.25,
        "compile_seconds": 0.5,
        "events": (),
        "options": OPTIONS,
    }
    return Result(**values | changes)


def entries(path="out"):
    return manifest.read(f"{path}/manifest.jsonl")


def filled(opened, wanted):
    """The folder after all of these were made."""
    folder = opened(wanted)
    for job in folder.jobs:
        folder.add(job, result())
    return folder


def done(folder, wanted):
    return "".join(f"{one.name[:3]} " for one in wanted if folder.is_done(one.job))


def test_a_result_is_written_and_noted(opened, said):
    folder = opened(PLAIN)
    assert done(folder, PLAIN) == ""
    folder.add(PLAIN[1].job, result(), lanes=2)
    assert files.read("out/a_q.png").shape == (10, 15, 3)
    assert files.read_description("out/a_q.png")["loss"] == 2.0
    (entry,) = entries().values()
    assert (entry.output, entry.content, entry.style) == ("a_q.png", "a.png", "q.png")
    assert (entry.status, entry.error) == ("done", None)
    assert (entry.loss, entry.iterations) == (2.0, 4)
    assert entry.seconds == pytest.approx(1.25 / 2, abs=1e-3)  # Shared by two lanes.
    assert entry.losses == [[0, 5.0], [1, 4.0], [2, 3.0], [3, 2.5], [4, 2.0]]
    assert entry.size == [15, 10]
    assert entry.options["steps"] == 4
    assert "jax" in entry.versions
    assert entry.device
    assert said == ["out/a_q.png: 15x10, loss 2 after 4 iterations"]


def test_losses_of_a_resumed_run_keep_their_iterations(opened):
    opened([ONE]).add(ONE.job, result(losses=np.array([2.5, 2.0], np.float32)))
    assert entries()["a_p.png"].losses == [[3, 2.5], [4, 2.0]]


def test_what_is_done_is_known_again(opened, said):
    folder = opened(PLAIN)
    outcomes = (result(), result(iterations=2), result(), ImageError("b.png: is gone"))
    for one, outcome in zip(PLAIN, outcomes, strict=True):
        folder.add(one.job, outcome)
    del said[:]
    again = opened(PLAIN)
    assert done(again, PLAIN) == "a_p b_p "
    assert said == ["nst-jax: 2 of 4 are done already"]
    assert again.unfinished


def damaged(change):
    """Changes the first picture of a folder; gives those that count as done."""
    path = Path("out/a_p.png")
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"garbage",
        lambda content: b"",
        lambda content: content[:-20],
        lambda content: content[:100] + b"?" * (len(content) - 100),
        lambda content: Path("out/b_q.png").read_bytes(),  # Another of ours.
    ],
)
def test_a_picture_that_is_another_is_made_anew(opened, said, change):
    folder = opened(PLAIN)
    for number, job in enumerate(folder.jobs):
        folder.add(job, result(image=grey(0.1 * number)))
    damaged(change)
    del said[:]
    again = opened(PLAIN)
    assert done(again, PLAIN) == "a_q b_p b_q "
    assert said[0] == "nst-jax: 3 of 4 are done already"
    assert said[1:] in ([], ["nst-jax: out/a_p.png will be replaced"])
    again.add(ONE.job, result())
    assert opened(PLAIN).is_done(ONE.job)


def test_a_picture_that_somebody_edited_is_not_lost(opened):
    filled(opened, PLAIN)
    path = Path("out/a_p.png")
    edited = Image.open(path).rotate(90)
    edited.save(path)
    before = path.read_bytes()
    line = r"out/a_p\.png: exists, and was not made by nst-jax; move it away"
    with pytest.raises(ImageError, match=line):
        opened(PLAIN)
    assert path.read_bytes() == before
    assert done(opened(PLAIN, overwrite=True), PLAIN) == "a_q b_p b_q "


def test_a_folder_that_was_copied_is_done(opened, place):
    filled(opened, PLAIN)
    shutil.copytree("out", "copy", copy_function=shutil.copyfile)  # Of another time.
    assert done(opened(PLAIN, "copy"), PLAIN) == "a_p a_q b_p b_q "


def test_pictures_of_manifests_that_say_no_length(opened):
    """Those of before count if they are pictures of the right size."""
    filled(opened, PLAIN)
    lines = Path("out/manifest.jsonl").read_text().splitlines()
    new = ("length", "modified", "sha256")
    olds = [
        {key: value for key, value in json.loads(line).items() if key not in new}
        for line in lines
    ]
    Path("out/manifest.jsonl").write_text("\n".join(map(json.dumps, olds)) + "\n")
    Path("out/a_p.png").write_bytes(b"garbage")
    files.write("out/a_q.png", grey(0.5, 11, 15))  # The wrong size.
    assert done(opened(PLAIN, overwrite=True), PLAIN) == "b_p b_q "


def test_nothing_is_replaced_where_that_is_asked_for(opened):
    filled(opened, [ONE])
    (other,) = wanted_of("a", "p", dataclasses.replace(OPTIONS, style_weight=3.0))
    with pytest.raises(ImageError, match=r"out/a_p\.png: exists; choose another name"):
        opened([other], overwrite=False)
    assert opened([ONE], overwrite=False).is_done(ONE.job)
    opened([other]).add(other.job, result(iterations=2))  # Stopped: it may go on.
    opened([other], overwrite=False).add(other.job, result())
    assert opened([other]).is_done(other.job)


def test_states_stay_while_a_picture_is_not_saved(opened, place):
    folder = opened(PLAIN)
    state = place / "out" / ("0" * 32 + ".state")
    state.touch()
    (place / "out" / "a_p.png").mkdir()
    folder.add(ONE.job, result())
    assert folder.states.remove("0" * 64) is None
    folder.finish()
    assert state.exists()
    (place / "out" / "a_p.png").rmdir()
    folder.add(ONE.job, result())
    folder.finish()
    assert not state.exists()


def test_the_gallery_shows_what_another_process_added(opened):
    folder = opened([ONE])
    filled(opened, wanted_of("b", "q"))  # Where there are no locks.
    folder.add(ONE.job, result())
    folder.finish()
    page = Path("out/index.html").read_text()
    assert all(f'"./{name}.png"' in page for name in ("a_p", "b_q"))


def test_leftovers_of_a_killed_run_go(opened, place):
    (place / "out").mkdir()
    for name in (".nst_jax-0123456789abcdef.tmp", "notes.tmp"):
        (place / "out" / name).touch()
    opened([ONE])
    assert os.listdir("out") == ["notes.tmp"]


def rewrite(name):
    files.write(name, grey(0.99))


@pytest.mark.parametrize(
    ("change", "wanted", "left"),
    [
        (lambda: None, PLAIN, "a_p a_q b_p b_q "),
        (lambda: rewrite("a.png"), PLAIN, "b_p b_q "),
        (lambda: rewrite("q.png"), PLAIN, "a_p b_p "),
        (lambda: os.remove("p.png"), PLAIN, "a_q b_q "),
        (lambda: os.utime("p.png", (1, 1)), PLAIN, "a_p a_q b_p b_q "),
        (lambda: os.remove("out/b_p.png"), PLAIN, "a_p a_q b_q "),
        (lambda: os.remove("out/manifest.jsonl"), PLAIN, ""),
        (
            lambda: None,
            wanted_of(options=dataclasses.replace(OPTIONS, style_weight=3.0)),
            "",
        ),
        (lambda: None, wanted_of(options=classic(size=32, steps=5)), ""),
        # The same said otherwise: a default by name, a whole number.
        (
            lambda: None,
            wanted_of(options=dataclasses.replace(OPTIONS, style_weight=100, seed=0)),
            "a_p a_q b_p b_q ",
        ),
        # In another order, and with another.
        (lambda: None, wanted_of("pba", "qp"), "b_q b_p a_q a_p "),
    ],
)
def test_only_what_is_unchanged_is_done(opened, change, wanted, left):
    filled(opened, PLAIN)
    change()
    assert done(opened(wanted), wanted) == left


def test_pictures_are_known_by_their_bytes_wherever_they_lie(opened, place):
    filled(opened, [ONE])
    (place / "elsewhere").mkdir()
    for name in ("a.png", "p.png"):
        os.rename(name, f"elsewhere/{name}")
    job = Job(Source("elsewhere/a.png"), (Source("elsewhere/p.png"),), OPTIONS)
    moved = dataclasses.replace(ONE, job=job)
    assert opened([moved]).is_done(job)


def test_a_changed_start_is_another_picture(opened):
    files.write("start.png", grey(0.3))
    options = dataclasses.replace(OPTIONS, init="start.png")
    (started,) = wanted_of("a", "p", options)
    filled(opened, [started])
    assert opened([started]).is_done(started.job)
    rewrite("start.png")
    assert not opened([started]).is_done(started.job)


def test_pictures_by_other_weights_are_others(opened):
    filled(opened, PLAIN)
    assert done(opened(PLAIN, weights="2"), PLAIN) == ""
    # Of a network that isn't theirs they don't matter.
    (other,) = wanted_of("a", "p", dataclasses.replace(OPTIONS, network="vgg16"))
    filled(opened, [other])
    assert opened([other], weights="2").is_done(other.job)


def test_pictures_of_this_version_stay_done(opened, place):
    """Whoever changes digests has to tell old ones; see `collection.earlier`."""
    for name in ("a", "p"):
        (place / f"{name}.png").write_bytes(f"picture {name}".encode())
    options = classic(size=32, style_taps=("relu1_1",), style_weight=3, color="linear")
    (one,) = wanted_of("a", "p", options)
    key = "141b20e1cd29f768b6a126ea1ee102317fd342ab7da850156ed557b2548cc72e"
    (place / "out").mkdir()
    files.write("out/a_p.png", grey(0.5))
    entry = manifest.Entry("a_p.png", "a.png", "p.png", key, "done")
    manifest.append("out/manifest.jsonl", entry)
    assert opened([one]).is_done(one.job)


def several(options=OPTIONS):
    """Pictures of one job, at two iterations and at the end."""
    of_job = wanted_of("a", "p", options, at=(1, 2))
    last = of_job[0]
    return [
        *(dataclasses.replace(last, name=f"{n}.png", at=n) for n in (1, 2)),
        last,
    ]


def test_results_at_iterations_are_pictures_of_their_own(opened):
    wanted = several()
    folder = opened(wanted)
    (job,) = folder.jobs
    assert folder.names(job) == ["1.png", "2.png", "a_p.png"]
    for number, at in ((1, 1), (2, 2), (4, None)):
        assert folder.unfinished
        assert not folder.is_done(job)
        shade = grey(0.1 * number)
        folder.add(job, result(iterations=number, at=at, image=shade))
    assert not folder.unfinished
    found = entries()
    assert list(found) == ["1.png", "2.png", "a_p.png"]
    for number, name in ((1, "1.png"), (2, "2.png"), (4, "a_p.png")):
        entry = found[name]
        assert (entry.status, entry.iterations) == ("done", number)
        assert entry.options["steps"] == number
        assert files.read_description(f"out/{name}")["options"]["steps"] == number
        np.testing.assert_allclose(files.read(f"out/{name}"), 0.1 * number, atol=0.01)
    assert opened(wanted).is_done(job)
    # A picture on the way is what a run as long as that ends with.
    (short,) = wanted_of("a", "p", dataclasses.replace(OPTIONS, steps=2))
    assert opened([dataclasses.replace(short, name="2.png")]).is_done(short.job)


def test_where_the_course_depends_on_its_end_pictures_on_the_way_are_their_own(opened):
    options = dataclasses.replace(OPTIONS, solver="adam")  # Its rate falls to the end.
    wanted = several(options)
    folder = opened(wanted)
    for number, at in ((1, 1), (2, 2), (4, None)):
        folder.add(wanted[0].job, result(iterations=number, at=at, options=options))
    assert opened(wanted).is_done(wanted[0].job)
    (short,) = wanted_of("a", "p", dataclasses.replace(options, steps=2))
    assert not opened([dataclasses.replace(short, name="2.png")]).is_done(short.job)
    longer = several(dataclasses.replace(options, steps=5))
    assert not opened(longer).is_done(longer[0].job)


def test_those_that_are_missing_alone_are_made(opened):
    wanted = several()
    folder = opened(wanted)
    job = wanted[0].job
    for number, at in ((1, 1), (2, 2), (4, None)):
        folder.add(job, result(iterations=number, at=at))
    os.remove("out/2.png")
    before = os.stat("out/1.png").st_mtime_ns
    again = opened(wanted)
    assert not again.is_done(job)
    for number, at in ((1, 1), (2, 2), (4, None)):
        again.add(job, result(iterations=number, at=at, image=grey(0.9)))
    assert os.stat("out/1.png").st_mtime_ns == before
    np.testing.assert_allclose(files.read("out/2.png"), 0.9, atol=0.01)


def test_an_error_stands_for_all_pictures_of_its_job(opened):
    wanted = several()
    folder = opened(wanted)
    folder.add(wanted[0].job, ImageError("a.png: is empty"))
    assert folder.failed
    assert not folder.unfinished
    assert [entry.status for entry in entries().values()] == ["failed"] * 3


def test_a_bad_picture_is_one_line(opened, said):
    folder = opened(PLAIN)
    lines = ("a.png: is empty", "a.png: is empty", "b.png: is gone")
    for one, line in zip(PLAIN[:3], lines, strict=True):
        folder.add(one.job, ImageError(line))
    assert folder.failed
    assert said == ["nst-jax: a.png: is empty", "nst-jax: b.png: is gone"]
    assert [(entry.status, entry.error) for entry in entries().values()] == [
        *[("failed", "a.png: is empty")] * 2,
        ("failed", "b.png: is gone"),
    ]


def test_a_result_that_cannot_be_written_has_failed(opened, said, place):
    folder = opened(PLAIN)
    (place / "out" / "a_p.png").mkdir()
    for one in PLAIN[:2]:
        folder.add(one.job, result())
    assert folder.failed
    assert said[0].startswith("nst-jax: out/a_p.png: is a folder")
    assert [entry.status for entry in entries().values()] == ["failed", "done"]


def test_a_start_without_a_loss_is_named(opened, said):
    folder = opened(PLAIN)
    folder.add(PLAIN[1].job, DivergenceError())
    assert folder.failed
    assert folder.unfinished
    (line,) = said
    assert line.startswith("nst-jax: a_q.png: the loss of the starting image is not")
    (entry,) = entries().values()
    assert (entry.output, entry.status) == ("a_q.png", "failed")
    assert entry.error.startswith("the loss of the starting image is not finite")


def test_a_run_given_up_is_done(opened):
    folder = opened([ONE])
    folder.add(ONE.job, result(iterations=2, given_up=True))
    assert not folder.unfinished
    assert entries()["a_p.png"].status == "done"
    assert opened([ONE]).is_done(ONE.job)


def test_unfinished_until_all_are_made_or_failed(opened):
    folder = opened(PLAIN)
    outcomes = (result(), ImageError("gone"), result(), result(iterations=2))
    for one, outcome in zip(PLAIN, outcomes, strict=True):
        folder.add(one.job, outcome)
        assert folder.unfinished
    assert entries()["b_q.png"].status == "stopped"
    assert not opened([ONE]).unfinished
    folder.add(PLAIN[3].job, result())
    assert not folder.unfinished


def test_states_go_with_the_last_stopped_picture(opened, place):
    folder = opened(PLAIN)
    for name in ("0" * 32 + ".state", "notes.state"):
        (place / "out" / name).touch()
    folder.add(ONE.job, result(iterations=2))
    folder.finish()
    assert len(list((place / "out").glob("*.state"))) == 2
    folder.add(ONE.job, result())
    folder.finish()
    assert [path.name for path in (place / "out").glob("*.state")] == ["notes.state"]


def test_sheet_and_gallery_show_all(opened, said, capsys):
    varied = [
        dataclasses.replace(one, name=f"{s}_{w}.png", varied={"style_weight": w})
        for s in "pq"
        for w in (1.0, 100.0)
        for one in wanted_of("a", s, dataclasses.replace(OPTIONS, style_weight=w))
    ]
    folder = opened(varied)
    for one in varied[:3]:
        folder.add(one.job, result())
    folder.add(varied[3].job, ImageError("q.png: is <gone>"))
    folder.finish()
    # 4 columns and 1 row of 256 pixels beside the originals, with labels and gaps.
    sheet = files.read("out/contact_sheet.jpg")
    assert sheet.shape == (2 * (256 + 24 + 8) + 2 * 8, 5 * (256 + 8) + 2 * 8, 3)
    page = Path("out/index.html").read_text()
    for one in varied[:3]:
        assert f'"./{one.name}"' in page
    assert "q.png: is <gone>" not in page
    assert "q.png: is <gone>" in html.unescape(page)
    assert capsys.readouterr().out == "out/index.html: 3 pictures, 1 failed\n"


def test_the_gallery_keeps_what_was_made_before(opened):
    before = wanted_of("a")
    filled(opened, before)
    os.remove("out/a_q.png")
    filled(opened, wanted_of("b", "p")).finish()
    page = Path("out/index.html").read_text()
    shown = [name for name in ("a_p", "a_q", "b_p") if f'"./{name}.png"' in page]
    assert shown == ["a_p", "b_p"]


def test_nothing_made_leaves_nothing_to_show(opened, place):
    opened(PLAIN).finish()
    assert list((place / "out").iterdir()) == []


def test_a_sheet_too_many_is_no_loss(opened, said):
    many = [
        dataclasses.replace(one, name=f"{n}.png", varied={"seed": n})
        for n in range(920)
        for one in wanted_of("a", "p", dataclasses.replace(OPTIONS, seed=n))
    ]
    (other,) = wanted_of("b", "p", many[0].job.options)
    many.append(dataclasses.replace(other, varied={"seed": 0}))
    folder = opened(many)
    folder.add(many[0].job, result())
    folder.finish()
    assert Path("out/index.html").exists()
    assert not Path("out/contact_sheet.jpg").exists()
    assert "nst-jax: no contact_sheet.jpg: labels: 2 photos x 920 paintings" in said[-1]


def test_folders_in_names_are_made(opened, place):
    wanted = [
        dataclasses.replace(one, name=f"{one.name[2]}/{one.name}") for one in PLAIN
    ]
    folder = filled(lambda w: opened(w, "deep/er"), wanted)
    folder.finish()
    for one in wanted:
        assert (place / "deep" / "er" / one.name).is_file()
    assert '"./q/a_q.png"' in (place / "deep/er/index.html").read_text()
    assert opened(wanted, "deep/er").is_done(ONE.job)
