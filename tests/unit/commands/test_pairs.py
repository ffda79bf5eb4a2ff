"""What a batch is asked to make: files, folders, patterns, lists and CSV files."""

import pytest
from support import stored_weights
from support.batch_folder import fill, picture, write_csv

from nst_jax.collection import manifest
from nst_jax.commands import main
from nst_jax.commands.asked import Pair, asked_for, fetched
from nst_jax.images import files
from nst_jax.options import Options, OptionsError
from weights_convert import fetch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, with photos and paintings."""
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pairs(*arguments):
    """What the command would make."""
    parsed = main._parse(["nst-jax", "batch", "--output_dir=out", *arguments])
    return [(p.content, p.style, dict(p.varied)) for p in asked_for(parsed)]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["photos"], ["photos/a.png", "photos/b.png"]),
        (["photos/"], ["photos/a.png", "photos/b.png"]),
        (["photos/*.png"], ["photos/a.png", "photos/b.png"]),
        (["p*/[bq]*"], ["paintings/q.jpg", "photos/b.png"]),
        (["**/a.*"], ["photos/a.png"]),
        (["photos/b.png", "photos"], ["photos/b.png", "photos/a.png"]),
        (["photos/a.png", "photos/a.png"], ["photos/a.png"]),
        # What is said is taken, whatever it is.
        (["photos/notes.txt"], ["photos/notes.txt"]),
        (["missing.png"], ["missing.png"]),
        (["mixed"], ["mixed/UPPER.JPG", "mixed/[1].webp", "mixed/stereo.mpo"]),
        (["mixed/[1].webp"], ["mixed/[1].webp"]),
    ],
)
def test_files_folders_and_patterns(folder, contents, expected):
    (folder / "mixed" / "sub.png").mkdir(parents=True)
    for name in ("[1].webp", "UPPER.JPG", "stereo.mpo", "report.pdf", "._a.jpg"):
        (folder / "mixed" / name).write_bytes(b"")
    made = pairs("--contents", *contents, "--styles", "paintings/p.png")
    assert made == [(content, "paintings/p.png", {}) for content in expected]


def test_what_a_batch_made_is_no_photo_of_the_next(folder):
    for name in ("a_p.png", "contact_sheet.jpg"):
        files.write(folder / "photos" / name, picture(7))
    entry = manifest.Entry("a_p.png", "photos/a.png", "p.png", "0", "done")
    manifest.append(folder / "photos" / "manifest.jsonl", entry)

    def contents(*given, output="photos"):
        styles = ["--styles", "paintings/p.png"]
        made = pairs("--contents", *given, *styles, f"--output_dir={output}")
        return [content.removeprefix("photos/") for content, _, _ in made]

    photos = ["a.png", "b.png"]
    assert contents("photos") == contents("**/*.png", "photos")[-2:] == photos
    assert contents("ph*/[abn]*") == [*photos, "notes.txt"]
    # Named, or of another folder's batch, it counts.
    assert contents("photos/a_p.png") == ["a_p.png"]
    everything = sorted([*photos, "a_p.png", "contact_sheet.jpg"])
    assert contents("photos", output="out") == everything


def test_a_column_that_is_swept_too_is_refused(folder):
    write_csv("pairs.csv", ["content", "style", "seed"], ["a", "b", "3"], ["a", "b"])
    with pytest.raises(OptionsError) as raised:
        pairs("--pairs=pairs.csv", "--seed=1,2")
    assert str(raised.value) == (
        "pairs.csv has a column seed, and --seed is a list: give one of the two"
    )
    write_csv("pairs.csv", ["content", "style", "seed"], ["a", "b", ""])
    assert len(pairs("--pairs=pairs.csv", "--seed=1,2")) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_pairs_of_a_file(folder, encoding):
    (folder / "lists").mkdir()
    write_csv(
        "lists/pairs.csv",
        ["content", "style", "style_weight", "seed", "init"],
        ["../photos/a.png", "../paintings/p.png", "3", "", "noise"],
        ["../photos/a.png", "../paintings/q.jpg", "", "4", ""],
        [],
        [str(folder / "photos/b.png"), "../paintings/q.jpg"],
        ["w\u00e4ld, nass.png", "../paintings/q.jpg", "", "", "begin.png"],
        encoding=encoding,
    )
    assert pairs("--pairs=lists/pairs.csv") == [
        (
            "lists/../photos/a.png",
            "lists/../paintings/p.png",
            {"style_weight": 3.0, "init": "noise"},
        ),
        ("lists/../photos/a.png", "lists/../paintings/q.jpg", {"seed": 4}),
        (str(folder / "photos/b.png"), "lists/../paintings/q.jpg", {}),
        (
            "lists/w\u00e4ld, nass.png",
            "lists/../paintings/q.jpg",
            {"init": "lists/begin.png"},
        ),
    ]


def test_columns_may_come_in_any_order_and_go_with_a_sweep(folder):
    write_csv(
        "pairs.csv",
        ["tv_weight", "style", "content", "color_after"],
        ["0.5", "paintings/p.png", "photos/a.png", "histogram"],
    )
    made = pairs("--pairs=pairs.csv", "--seed=1,2")
    assert [varied for _, _, varied in made] == [
        {"seed": 1, "tv_weight": 0.5, "color_after": "histogram"},
        {"seed": 2, "tv_weight": 0.5, "color_after": "histogram"},
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "columns ; it needs content and style"),
        ("content\na.png\n", "columns content; it needs content and style, and may h"),
        ("content,style,steps\na,b,3\n", "columns content, style, steps; it needs con"),
        ("content,style\n", "pairs.csv: names no pairs"),
        (
            "content,style\na.png,b.png\n,b.png\n",
            "pairs.csv, line 3: names no pair; g",
        ),
        ("content,style\na.png\n", "pairs.csv, line 2: names no pair; give content an"),
        ("content,style,seed\na,b,x\n", "pairs.csv, line 2: seed='x' is not a wh"),
        ("content,style,style_weight\na,b,-3\n", "line 2: style_weight=-3.0 is out of"),
        ("content,style\n\xff,b\n", "can't be read ('utf-8' codec"),
        (None, "pairs.csv: can't be read ([Errno 2] No such file"),
    ],
)
def test_a_bad_file_of_pairs_is_one_line(folder, text, line):
    if text is not None:
        (folder / "pairs.csv").write_text(text, encoding="latin-1")
    with pytest.raises(OptionsError) as raised:
        pairs("--pairs=pairs.csv")
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (folder / "out").exists()


def test_lists_make_every_combination(folder):
    one = ["--contents", "photos/a.png", "--styles", "paintings/p.png"]
    made = pairs(*one, "--init=content,noise", "--seed=1, 2", "--style_taps=relu1_1")
    assert [varied for _, _, varied in made] == [
        {"init": init, "seed": seed} for init in ("content", "noise") for seed in (1, 2)
    ]
    made = pairs(*one, "--color=style,linear_cholesky")
    assert [varied for _, _, varied in made] == [
        {"color": "style"},
        {"color": "linear_cholesky"},
    ]


def test_networks_are_fetched_once_each_where_they_are_needed(folder, monkeypatch):
    def of(network, style="paintings/p.png"):
        return Pair("photos/a.png", style, Options(network=network), {})

    asked = []

    def get(name, *, report, offline):
        asked.append((name, offline))
        report(f"fetching {name}")
        stored_weights.put(name, f"of {name}")

    monkeypatch.setenv("NST_JAX_HOME", str(folder / "home"))
    monkeypatch.setattr(fetch, "fetch", get)
    said = []
    wanted = [of("vgg19"), of("vgg16"), of("vgg19"), of("alexnet", "missing.png")]
    assert fetched(wanted, offline=True, report=said.append) == {
        "vgg19": "of vgg19",
        "vgg16": "of vgg16",
    }
    assert asked == [("vgg19", True), ("vgg16", True)]
    assert said == ["fetching vgg19", "fetching vgg16"]
