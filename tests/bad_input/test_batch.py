"""What `nst-jax batch` says of input that it refuses, and of pictures that it can't."""

import os
import re
import shutil

import pytest
from support.batch_folder import contents, odd_files, picture, write_csv
from support.program import QUICK, run

from nst_jax.collection import manifest
from nst_jax.images import files

ALL = ("--contents", "photos", "--styles", "paintings")
ONE = ("--contents", "photos/a.png", "--styles", "paintings/p.png")

_FILES = [
    ((), "--contents is missing: name files, a folder or a pattern"),
    (("--styles", "paintings"), "--contents is missing: name files"),
    (("--contents", "photos"), "--styles is missing: name files"),
    ((*ALL, "--contents", "no/*.png"), "--contents: no/*.png holds no pictures; chec"),
    ((*ALL, "--styles", "empty"), "--styles: empty holds no pictures; check the name"),
    (("--pairs=/dev/zero",), "/dev/zero: can't be read (line contains NUL); give"),
    ((*ALL, "--pairs=x.csv"), "give either --pairs, or --contents and --styles"),
]

_OUTPUTS = [
    ((*ALL, "--output_dir=photos/a.png"), "output_dir=photos/a.png: can't be made (Fi"),
    ((*ALL, "--output_dir=photos/a.png/x"), "output_dir=photos/a.png/x: can't be made"),
    (
        (*ONE, "--output_dir=photos", "--name={content}.png"),
        "photos/a.png: is read too",
    ),
    ((*ONE, "--output_dir=again", "--name={style}.png"), "again/p.png: is read too ("),
    ((*ONE, "--output_dir=linked"), "linked/a_p.png: is read too (as photos/a.png), "),
    ((*ALL, "--output_dir=website"), "website/index.html: exists, and was not made by"),
    ((*ALL, "--output_dir=album"), "album/contact_sheet.jpg: exists, and was not ma"),
    ((*ALL, "--output_dir=data"), "data/manifest.jsonl: is no manifest of pictures"),
    ((*ALL, "--output_dir=pipe"), "pipe/manifest.jsonl: is no regular file; give th"),
    ((*ALL, "--output_dir=device"), "device/index.html: is no regular file; give the"),
    ((*ALL, "--output_dir=mine"), "mine/b_q.png: exists, and was not made by nst-ja"),
    ((*ALL, "--output_dir=twice"), "twice/b_q.png: is written twice (as twice/a_p.pn"),
    (
        (*ALL, "--name={nothing}.png"),
        "name='{nothing}.png': {nothing} is not known; th",
    ),
    ((*ALL, "--name=one.png"), "name='one.png': one.png is the name of two jobs"),
    ((*ALL, "--name={content}.png"), "name='{content}.png': a.png is the name of two"),
    ((*ALL, "--name={content}_{style}"), "name='{content}_{style}': .*no ending; give"),
    ((*ALL, "--name=../{content}_{style}.png"), "name='../{.*leaves the output folder"),
    ((*ALL, "--name={content"), "name='{content': .*"),
    (
        (*ONE, "--name={content}.jpg", "--bits=16"),
        "out/a.jpg: bits=16 needs .png or .tif; JPEG has 8 bits a channel",
    ),
    (
        (*ONE, "--name={content}.jpg", "--transparency=keep"),
        "out/a.jpg: transparency=keep needs .png, .webp or .tif; JPEG has none",
    ),
    ((*ONE, "--name=contact_sheet.jpg"), "name='contact_sheet.jpg': .*another file of"),
    (
        (*ONE, "--output_dir=photos", "--name=" + "n" * 300 + ".png"),
        ".*can't be written (File name too long)",
    ),
]

_OPTIONS = [
    ((*ALL, "--style_weight=1,x"), "style_weight='x' is not a number"),
    ((*ALL, "--style_weight=1,-1"), "style_weight=-1.0 is out of range"),
    ((*ALL, "--steps=3,4"), "steps='3,4' is not a whole number"),
    ((*ALL, "--init=noise,nowhere.png"), "init='nowhere.png' is neither content, sty"),
    ((*ALL, "--style_taps=relu9_1"), "squeezenet1_1 has no tap relu9_1"),
    ((*ALL, "--style_blend=1,2"), "style_blend has 2 shares for 1 painting"),
]


@pytest.fixture
def place(folder):
    (folder / "empty").mkdir()
    (folder / "again").symlink_to("paintings")
    for name in ("linked", "website", "album", "data", "pipe", "device", "mine"):
        (folder / name).mkdir()
    os.link("photos/a.png", "linked/a_p.png")
    (folder / "website/index.html").write_text("<title>Somebody's</title>")
    shutil.copy("photos/a.png", "album/contact_sheet.jpg")
    (folder / "data/manifest.jsonl").write_text('{"somebody": "else"}\n')
    os.mkfifo("pipe/manifest.jsonl")
    (folder / "device/index.html").symlink_to("/dev/null")
    shutil.copy("photos/a.png", "mine/b_q.png")
    (folder / "twice").mkdir()
    (folder / "twice/a_p.png").symlink_to("b_q.png")
    return folder


def refused(capsys, folder, arguments, line):
    """Runs the command, which is to say this line and to leave no trace."""
    before = contents(folder)
    assert run("batch", *QUICK, "--output_dir=out", "--offline", *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    pattern = re.escape(line).replace(r"\.\*", ".*")
    assert re.fullmatch(rf"nst-jax: {pattern}[^\n]*\n", errors), errors
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [*_FILES, *_OUTPUTS, *_OPTIONS],
    ids=lambda v: str(v)[:60],
)
def test_is_one_line_and_leaves_nothing(place, capsys, arguments, line):
    refused(capsys, place, arguments, line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "",
            "pairs.csv: columns ; it needs content and style, and may have content_we",
        ),
        ("content\na.png\n", "pairs.csv: columns content; it needs content and style"),
        (
            "content,style,steps\na,b,3\n",
            "pairs.csv: columns content, style, steps; it",
        ),
        ("content,style\n", "pairs.csv: names no pairs"),
        (
            "content,style\na.png,b.png\n,b.png\n",
            "pairs.csv, line 3: names no pair; gi",
        ),
        (
            "content,style\na.png\n",
            "pairs.csv, line 2: names no pair; give content and",
        ),
        (
            "content,style,seed\na,b,x\n",
            "pairs.csv, line 2: seed='x' is not a whole nu",
        ),
        (
            "content,style,tv_weight\na,b,-3\n",
            "pairs.csv, line 2: tv_weight=-3.0 is ou",
        ),
        (
            "content,style\n\xff,b\n",
            "pairs.csv: can't be read ('utf-8' codec can't dec",
        ),
        ("content,style\n\0,b\n", "pairs.csv: can't be read (line contains NUL)"),
        (None, "pairs.csv: can't be read (No such file or directory); give a CSV"),
    ],
)
def test_a_bad_file_of_pairs_is_one_line(place, capsys, text, line):
    if text is not None:
        (place / "pairs.csv").write_text(text, encoding="latin-1")
    refused(capsys, place, ("--pairs=pairs.csv",), line)


def test_a_column_that_is_a_list_too(place, capsys):
    write_csv("pairs.csv", ["content", "style", "seed"], ["a", "b", "3"], ["a", "b"])
    line = "pairs.csv has a column seed, and --seed is a list: give one of the two"
    refused(capsys, place, ("--pairs=pairs.csv", "--seed=1,2"), line)


def test_weights_that_are_not_there(place, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "elsewhere"))
    refused(capsys, place, ALL, "the weights of squeezenet1_1 are not stored in /.*")
    # Pictures that aren't there need none.
    missing = ("--contents", "gone.png", "--styles", "paintings")
    assert run("batch", *QUICK, "--output_dir=out", "--offline", *missing) == 1
    errors = capsys.readouterr().err
    assert errors == "nst-jax: gone.png: no such file; check the name\n"
    assert not (tmp_path / "elsewhere").exists()


def statuses():
    entries = manifest.read("out/manifest.jsonl")
    return {name: entry.status for name, entry in entries.items()}


def test_pictures_that_fail_do_so_alone(folder, capsys):
    """Each is one line, and tried again by the same command."""
    files.write("thin.png", picture(5, 128, 4))
    bad = {
        "photos/notes.txt": "is not an image, or of an unknown kind",
        "empty.png": "is empty; get the image again",
        "gone.png": "no such file; check the name",
        "thin.png": "at 1x32 pixels it is too small for relu_conv1, which sees nothing",
    }
    (folder / "empty.png").touch()
    command = ("batch", *QUICK, "--output_dir=out", "--lanes=1")
    command += ("--contents", *bad, "photos/a.png", "--styles", "paintings")
    assert run(*command) == 1
    output, errors = capsys.readouterr()
    for name, line in bad.items():
        assert errors.count(line) == 1, name
    assert len(errors.splitlines()) == len(bad)
    assert output.count(" iterations\n") == 2
    done = {"a_p.png": "done", "a_q.png": "done"}
    assert sorted(statuses().values()) == ["done"] * 2 + ["failed"] * 8
    assert statuses().items() >= done.items()
    before = [os.stat(f"out/{name}").st_mtime_ns for name in done]

    assert run(*command) == 1
    output, again = capsys.readouterr()
    assert again == f"nst-jax: 2 of 10 are done already\n{errors}"
    assert " iterations\n" not in output
    assert [os.stat(f"out/{name}").st_mtime_ns for name in done] == before


def test_starts_that_fail_do_so_alone(folder, capsys):
    rows = [
        ["photos/a.png", "paintings/p.png", *rest]
        for rest in (
            ("", ""),
            ("begin.png", ""),
            ("noise", "3e38"),
            ("content", "1"),
        )
    ]
    write_csv("pairs.csv", ["content", "style", "init", "content_weight"], *rows)
    command = ("batch", *QUICK, "--output_dir=out", "--lanes=1", "--pairs=pairs.csv")
    assert run(*command) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == "nst-jax: begin.png: no such file; check the name"
    assert "the loss of the starting image is not finite" in second
    assert sorted(statuses().values()) == ["done", "done", "failed", "failed"]


@pytest.mark.parametrize("how", ["names", "pattern", "pairs", "starts"])
def test_files_without_an_end_are_one_line_each(folder, capsys, how):
    """And are looked at before they are hashed."""
    paths = [f"../odd/{name}" for name in odd_files(folder.parent / "odd")]
    one = ["photos/a.png", "paintings/p.png"]
    rows = [[path, one[1], ""] for path in paths]
    given = {
        "names": ("--contents", *paths, "--styles", one[1]),
        "pattern": ("--contents", one[0], "--styles", "../odd/*.png"),
    }.get(how, ("--pairs=pairs.csv",))
    if how == "starts":
        rows = [[*one, path] for path in paths]
    write_csv("pairs.csv", ["content", "style", "init"], *rows)
    assert run("batch", *QUICK, "--output_dir=out", *given) == 1
    assert sorted(capsys.readouterr().err.splitlines()) == [
        "nst-jax: ../odd/far.png: has 4.0 GB, too many for a picture; 2 are read",
        "nst-jax: ../odd/loop.png: can't be opened (Too many levels of symbolic links)",
        "nst-jax: ../odd/pipe.png: is not a regular file; give an image file",
        "nst-jax: ../odd/zero.png: is not a regular file; give an image file",
    ]


def test_names_that_are_no_text_are_names_like_others(folder, capsys):
    name = os.fsdecode(b"photos/na\xefve.png")
    os.rename("photos/b.png", name)
    command = ("batch", *QUICK, "--output_dir=out", "--lanes=1", "--styles=paintings")
    assert run(*command, "--contents", name, "photos") == 0
    output, errors = capsys.readouterr()
    assert output.count(" iterations\n") == 4
    assert errors == ""
    assert statuses()["na_ve_p.png"] == "done"
    assert run(*command, "--contents", name, "photos") == 0
    assert capsys.readouterr().err == "nst-jax: 4 of 4 are done already\n"
