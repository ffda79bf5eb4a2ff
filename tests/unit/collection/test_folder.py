"""The folder of a batch, filled with results that are made up here."""

import dataclasses
import html
import os
from pathlib import Path

import numpy as np
import pytest
from nst_jax.errors import ImageError

from nst_jax.collection import manifest
from nst_jax.collection.folder import Collection, check, file_names
from nst_jax.commands.asked import Pair
from nst_jax.images import files
from nst_jax.optimize.engine import DivergenceError, Progress
from nst_jax.options import Options, OptionsError
from nst_jax.transfer.results import Result

_OPTIONS = Options(size=32, steps=4)
_TEMPLATE = "{content}_{style}{varied}.png"


def grey(value, height=20, width=20):
    return np.full((height, width, 3), value, np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with two photos and two paintings, all square."""
    for place, name in enumerate(("a.png", "b.png", "p.png", "q.png")):
        files.write(tmp_path / name, grey(0.2 * place))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pairs_of(contents="ab", styles="pq", options=_OPTIONS):
    return [Pair(f"{c}.png", f"{s}.png", options, {}) for c in contents for s in styles]


def collection(pairs=None, folder="out", template=_TEMPLATE, weights="1"):
    pairs = pairs or pairs_of()
    names = file_names(pairs, template)
    return Collection(Path(folder), pairs, names, weights={"vgg19": weights})


def result(iterations=4, options=_OPTIONS):
    losses = np.array([5.0, 4.0, 3.0, 2.5, 2.0], np.float32)[: iterations + 1]
    image = grey(0.5, 10, 15)
    seconds = 1.25
    return Result(
        image, float(losses[-1]), losses, iterations, seconds, 0.5, (), options
    )


def entries():
    return manifest.read("out/manifest.jsonl")


def test_a_result_is_written_and_noted(folder, capsys):
    with collection() as made:
        assert made.done == frozenset()
        made.add(1, result())
    assert files.read("out/a_q.png").shape == (10, 15, 3)
    assert files.read_description("out/a_q.png")["loss"] == 2.0
    (entry,) = entries().values()
    assert (entry.output, entry.content, entry.style) == ("a_q.png", "a.png", "q.png")
    assert (entry.status, entry.error) == ("done", None)
    assert (entry.loss, entry.iterations, entry.seconds) == (2.0, 4, 1.25)
    assert entry.losses == [[0, 5.0], [1, 4.0], [2, 3.0], [3, 2.5], [4, 2.0]]
    assert entry.size == [15, 10]
    assert entry.options["steps"] == 4
    assert "jax" in entry.versions
    assert entry.device
    output, errors = capsys.readouterr()
    assert output == "out/a_q.png: 15x10, loss 2 after 4 iterations\n"
    assert errors == ""


def test_losses_of_a_resumed_run_keep_their_iterations(folder):
    resumed = dataclasses.replace(result(), losses=np.array([2.5, 2.0], np.float32))
    with collection() as made:
        made.add(0, resumed)
    (entry,) = entries().values()
    assert entry.losses == [[3, 2.5], [4, 2.0]]


def test_what_is_done_is_known_again(folder, capsys):
    with collection() as made:
        for place in (0, 2):
            made.add(place, result())
        made.add(1, result(iterations=2))
        made.add(3, ImageError("b.png: is gone"))
    capsys.readouterr()
    with collection() as again:
        assert again.done == {0, 2}
    assert capsys.readouterr().err == "nst-jax: 2 of 4 are done already\n"


def touch(path):
    files.write(path, grey(0.99))


@pytest.mark.parametrize(
    ("change", "pairs", "left"),
    [
        (lambda: None, pairs_of(), {0, 1, 2, 3}),
        (lambda: touch("a.png"), pairs_of(), {2, 3}),
        (lambda: touch("q.png"), pairs_of(), {0, 2}),
        (lambda: os.remove("p.png"), pairs_of(), {1, 3}),
        (lambda: os.utime("p.png", (1, 1)), pairs_of(), {0, 1, 2, 3}),
        (lambda: os.remove("out/b_p.png"), pairs_of(), {0, 1, 3}),
        (lambda: os.remove("out/manifest.jsonl"), pairs_of(), set()),
        (
            lambda: None,
            pairs_of(options=dataclasses.replace(_OPTIONS, style_weight=3.0)),
            set(),
        ),
        (lambda: None, pairs_of(options=Options(size=32, steps=5)), set()),
        # In another order, and with another.
        (lambda: None, pairs_of("pba", "qp"), {2, 3, 4, 5}),
    ],
)
def test_only_unchanged_pictures_are_done(folder, change, pairs, left):
    with collection() as made:
        for place in range(4):
            made.add(place, result())
    change()
    assert collection(pairs).done == left


def test_a_changed_start_is_another_picture(folder):
    files.write("start.png", grey(0.3))
    pairs = pairs_of("a", "p", dataclasses.replace(_OPTIONS, init="start.png"))
    with collection(pairs) as made:
        made.add(0, result())
    assert collection(pairs).done == {0}
    touch("start.png")
    assert collection(pairs).done == frozenset()


def test_pictures_by_other_weights_are_others(folder):
    with collection() as made:
        for place in range(4):
            made.add(place, result())
    assert collection(weights="2").done == frozenset()
    assert collection().done == {0, 1, 2, 3}
    # Those of a network that isn't theirs are not looked at.
    other = pairs_of("a", "p", dataclasses.replace(_OPTIONS, network="vgg16"))
    with collection(other, template="vgg16.png") as made:
        made.add(0, result())
    assert collection(other, template="vgg16.png", weights="2").done == {0}


def test_a_check_leaves_no_trace(folder):
    pairs = pairs_of()
    names = file_names(pairs, "{style}/{content}.png")
    check(Path("deep/er"), pairs, names)
    assert not (folder / "deep").exists()
    (folder / "file").write_text("")
    with pytest.raises(OptionsError, match=r"^output_dir=file/x\S*: can't be made \(N"):
        check(Path("file/x"), pairs, names)
    with pytest.raises(OptionsError, match="would be overwritten"):
        check(Path(), pairs_of("a", "p"), ["p.png"])
    (folder / "out" / "a.png").mkdir(parents=True)
    with pytest.raises(ImageError, match=r"^out/a\.png: is a folder"):
        check(Path("out"), pairs_of("a", "p"), ["a.png"])


def test_a_bad_picture_is_one_line(folder, capsys):
    with collection() as made:
        made.add(0, ImageError("a.png: is empty"))
        made.add(1, ImageError("a.png: is empty"))
        made.add(2, ImageError("b.png: is gone"))
        assert made.failed
    errors = capsys.readouterr().err
    assert errors == "nst-jax: a.png: is empty\nnst-jax: b.png: is gone\n"
    assert [entry.error for entry in entries().values()] == [
        *["a.png: is empty"] * 2,
        "b.png: is gone",
    ]
    assert {entry.status for entry in entries().values()} == {"failed"}


def test_a_result_that_cannot_be_written_has_failed(folder, capsys):
    with collection() as made:
        (folder / "out" / "a_p.png").mkdir()
        made.add(0, result())
        made.add(1, result())
        assert made.failed
    assert "out/a_p.png: is a folder" in capsys.readouterr().err
    assert [entry.status for entry in entries().values()] == ["failed", "done"]


def test_a_start_without_a_loss_is_named(folder, capsys):
    with collection() as made:
        made.add(1, DivergenceError())
        assert made.failed
        assert made.unfinished
    line = "a_q.png: the loss of the starting image is not finite: "
    assert capsys.readouterr().err.startswith(f"nst-jax: {line}")
    (entry,) = entries().values()
    assert (entry.output, entry.status) == ("a_q.png", "failed")
    assert entry.error.startswith("the loss of the starting image is not finite")


def test_a_run_given_up_is_done(folder):
    with collection(pairs_of("a", "p")) as made:
        made.add(0, dataclasses.replace(result(iterations=2), given_up=True))
        assert not made.unfinished
    assert entries()["a_p.png"].status == "done"
    assert collection(pairs_of("a", "p")).done == {0}


def test_states_go_with_the_last_stopped_picture(folder):
    other = "notes.state"
    with collection() as made:
        for name in ("0" * 32 + ".state", other):
            (folder / "out" / name).write_text("")
        made.add(0, result(iterations=2))
        made.finish()
        assert len(list((folder / "out").glob("*.state"))) == 2
        made.add(0, result())
        made.finish()
    assert [path.name for path in (folder / "out").glob("*.state")] == [other]


def test_unfinished_until_all_are_made_or_failed(folder):
    with collection() as made:
        made.add(0, result())
        made.add(1, ImageError("gone"))
        made.add(2, result())
        assert made.unfinished
        assert not collection(pairs_of("a", "p")).unfinished
        made.add(3, result(iterations=2))
        assert made.unfinished
        assert entries()["b_q.png"].status == "stopped"
        made.add(3, result())
        assert not made.unfinished


def test_sheet_and_gallery_show_all_pairs(folder, capsys):
    varied = [
        Pair("a.png", f"{s}.png", _OPTIONS, {"style_weight": w})
        for s in "pq"
        for w in (1.0, 100.0)
    ]
    with collection(varied) as made:
        for place in range(3):
            made.add(place, result())
        made.add(3, ImageError("q.png: is <gone>"))
    made.finish()
    # 4 columns and 1 row of 256 pixels beside the originals, with labels and gaps.
    sheet = files.read("out/contact_sheet.jpg")
    assert sheet.shape == (
        2 * (256 + 24 + 8) + 2 * 8,
        5 * (256 + 8) + 2 * 8,
        3,
    )
    page = html.unescape((folder / "out" / "index.html").read_text())
    for name in ("style_weight=1", "style_weight=100"):
        assert f"./a_p_{name}.png" in page.replace("%3D", "=")
    assert "q.png: is <gone>" in page
    assert "q.png: is <gone>" not in (folder / "out" / "index.html").read_text()
    assert "out/index.html: 4 pictures\n" in capsys.readouterr().out


def test_the_sheet_has_results_at_their_crossings(folder):
    shades = {0: 0.0, 1: 0.3, 2: 0.6, 3: 0.9}
    with collection() as made:
        for place, shade in shades.items():
            made.add(place, dataclasses.replace(result(), image=grey(shade)))
    made.finish()
    sheet = files.read("out/contact_sheet.jpg")
    pitch = 256 + 24 + 8, 256 + 8
    for place, shade in shades.items():
        row, column = divmod(place, 2)
        middle = sheet[
            8 + 8 + (row + 1) * pitch[0] + 128, 8 + 8 + (column + 1) * pitch[1] + 128
        ]
        np.testing.assert_allclose(middle, shade, atol=0.02)


def test_the_gallery_keeps_what_was_made_before(folder):
    with collection(pairs_of("a")) as made:
        for place in (0, 1):
            made.add(place, result())
    os.remove("out/a_q.png")
    with collection(pairs_of("b", "p")) as made:
        made.add(0, result())
    made.finish()
    page = (folder / "out" / "index.html").read_text()
    assert "./b_p.png" in page
    assert "./a_p.png" in page
    assert "./a_q.png" not in page


def test_nothing_made_leaves_nothing_to_show(folder):
    with collection() as made:
        pass
    made.finish()
    assert list((folder / "out").iterdir()) == []


def test_no_sheet_is_no_loss(folder, capsys, monkeypatch):
    def table(*_, **__):
        raise ValueError("labels: 400 photos; too many")

    monkeypatch.setattr("nst_jax.collection.sheet.table", table)
    with collection() as made:
        made.add(0, result())
    made.finish()
    assert (folder / "out" / "index.html").exists()
    errors = capsys.readouterr().err
    assert errors == "nst-jax: no contact_sheet.jpg: labels: 400 photos; too many\n"


def progress(iteration, event=None):
    losses = np.zeros(1, np.float32)
    return Progress(
        iteration, 4, 1.0, {}, losses, 1.0, 1.0, 1.0, 1.0, event, lambda: grey(0)
    )


def test_events_are_said_by_name(folder, capsys):
    group = dataclasses.make_dataclass("P", ["jobs", "lanes", "finished", "total"])
    with collection() as made:
        made.show(group((1, 2), (progress(1), progress(1, "the loss exploded")), 0, 4))
    assert capsys.readouterr().err == "nst-jax: b_p.png: the loss exploded\n"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("same.png", "same.png is the name of two jobs"),
        ("{content}.png", "add {style}"),
        ("{colour}.png", "{colour} is not known"),
        ("{content}_{style}", "no ending; give one of .png"),
        ("../{content}_{style}.png", "leaves the output folder"),
        ("index{content}{style}.html", "the ending '.html'"),
    ],
)
def test_names_that_do_not_work(folder, template, message):
    with pytest.raises(OptionsError) as raised:
        collection(template=template)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"name={template!r}: ")
    assert not (folder / "out").exists()


def test_names_of_the_batchs_own_files_are_taken(folder):
    with pytest.raises(OptionsError, match=r"^name='contact_sheet\.jpg': "):
        collection(pairs_of("a", "p"), template="contact_sheet.jpg")


@pytest.mark.parametrize(
    ("place", "template", "name"),
    [(".", "{content}.png", "a.png"), ("again", "{style}.png", "p.png")],
)
def test_no_original_is_overwritten(folder, place, template, name):
    (folder / "again").symlink_to(folder)
    before = (folder / name).read_bytes()
    with pytest.raises(OptionsError) as raised:
        collection(pairs_of("a", "p"), place, template)
    assert str(raised.value) == (
        f"{Path(place, name)} is a picture that the batch is made from, and would be "
        "overwritten: choose another --output_dir or --name"
    )
    assert (folder / name).read_bytes() == before


def test_folders_are_made(folder):
    collection(folder="deep/er", template="{style}/{content}.png")
    assert (folder / "deep" / "er" / "p").is_dir()
    assert (folder / "deep" / "er" / "q").is_dir()


def test_a_folder_that_cannot_be_made(folder):
    (folder / "file").write_text("")
    with pytest.raises(OptionsError, match=r"^output_dir=file: can't be made \(File"):
        collection(folder="file")
    with pytest.raises(
        OptionsError, match=r"^output_dir=file/x: can't be made \(Not a"
    ):
        collection(folder="file/x")
