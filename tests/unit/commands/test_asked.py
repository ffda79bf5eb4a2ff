"""What a batch is asked to make: files, folders, patterns, lists and CSV files."""

import os

import pytest
from support.batch_folder import picture, write_csv

from nst_jax.collection import manifest
from nst_jax.commands import main
from nst_jax.commands.asked import asked_for
from nst_jax.errors import OptionsError
from nst_jax.images import files

pytestmark = pytest.mark.usefixtures("folder")


def asked(*arguments, say=pytest.fail):
    """Photo, painting and what is varied of each job that the command would do."""
    line = ["batch", "--output_dir=out", *map(str, arguments)]
    jobs, varied = asked_for(main.parser().parse_args(line), say)
    for job, of in zip(jobs, varied, strict=True):
        assert of.items() <= vars(job.options).items()
    pictures = [(job.content.key, *(style.key for style in job.styles)) for job in jobs]
    return [(*pair, of) for pair, of in zip(pictures, varied, strict=True)]


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
    made = asked("--contents", *contents, "--styles", "paintings/p.png")
    assert made == [(content, "paintings/p.png", {}) for content in expected]


def test_what_a_batch_made_is_no_photo_of_the_next(folder):
    for name in ("a_p.png", "contact_sheet.jpg"):
        files.write(folder / "photos" / name, picture(7))
    entry = manifest.Entry("a_p.png", "photos/a.png", "p.png", "0", "done")
    manifest.append(folder / "photos" / "manifest.jsonl", entry)

    def contents(*given, output="photos"):
        styles = ["--styles", "paintings/p.png"]
        made = asked("--contents", *given, *styles, f"--output-dir={output}")
        return [content.removeprefix("photos/") for content, _, _ in made]

    photos = ["a.png", "b.png"]
    assert contents("photos") == contents("**/*.png", "photos")[-2:] == photos
    assert contents("ph*/[abn]*") == [*photos, "notes.txt"]
    # Named, or of another folder's batch, it counts.
    assert contents("photos/a_p.png") == ["a_p.png"]
    everything = sorted([*photos, "a_p.png", "contact_sheet.jpg"])
    assert contents("photos", output="out") == everything


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
    assert asked("--pairs=lists/pairs.csv") == [
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


def test_columns_may_come_in_any_order_and_go_with_a_list():
    write_csv(
        "pairs.csv",
        ["tv_weight", "style", "content", "color_after", "seed"],
        ["0.5", "paintings/p.png", "photos/a.png", "histogram", ""],
    )
    made = asked("--pairs=pairs.csv", "--seed=1,2")
    assert [varied for _, _, varied in made] == [
        {"seed": 1, "tv_weight": 0.5, "color_after": "histogram"},
        {"seed": 2, "tv_weight": 0.5, "color_after": "histogram"},
    ]


def test_lists_make_every_combination():
    one = ["--contents", "photos/a.png", "--styles", "paintings/p.png"]
    made = asked(*one, "--init=content,noise", "--seed=1, 2,1", "--style_taps=relu1_1")
    assert [varied for _, _, varied in made] == [
        {"init": init, "seed": seed} for init in ("content", "noise") for seed in (1, 2)
    ]
    made = asked(*one, "--color=style,linear_cholesky", "--preset=fast")
    assert [varied for _, _, varied in made] == [
        {"color": "style"},
        {"color": "linear_cholesky"},
    ]


def test_paintings_with_a_plus_between_them_are_blended(folder):
    blend = "paintings/p.png+paintings/q.jpg"
    made = asked("--contents", "photos/a.png", "--styles", blend, "paintings/p.png")
    assert made == [
        ("photos/a.png", "paintings/p.png", "paintings/q.jpg", {}),
        ("photos/a.png", "paintings/p.png", {}),
    ]
    rows = [("photos/a.png", blend, "3,1"), ("photos/b.png", "paintings/p.png", "")]
    lines = [f'{content},{style},"{shares}"' for content, style, shares in rows]
    text = "\n".join(["content,style,style_blend", *lines])
    (folder / "pairs.csv").write_text(text)
    assert asked("--pairs", "pairs.csv") == [
        (
            *("photos/a.png", "paintings/p.png", "paintings/q.jpg"),
            {"style_blend": (3, 1)},
        ),
        ("photos/b.png", "paintings/p.png", {}),
    ]
    (folder / "bad.csv").write_text(text.replace(blend, "paintings/p.png"))
    with pytest.raises(OptionsError, match=r"^bad\.csv, line 2: .* for 1 painting;"):
        asked("--pairs", "bad.csv")


# What is left out is said.


def said(*contents):
    """The photos that a batch takes, and what is said of the others."""
    lines = []
    made = asked("--contents", *contents, "--styles=paintings/p.png", say=lines.append)
    return [content for content, _, _ in made], lines


@pytest.mark.parametrize("given", ["photos", "photos/*.*[!t]"])
def test_kinds_that_cannot_be_read_are_left_out_in_one_line(folder, given):
    for name in ("IMG_1.HEIC", "IMG_2.heic", "c.nef", "d.CR2", "._e.heic"):
        (folder / "photos" / name).write_bytes(b"x")
    photos, lines = said(given)
    assert photos == ["photos/a.png", "photos/b.png"]
    assert lines == [
        f"nst-jax: {given}: 2 HEIC (.heic) and 2 raw (.cr2, .nef) pictures can't be "
        "read and are left out: export them as JPEG"
    ]
    # One that is named is taken, to be told of by itself.
    assert said("photos/c.nef", "photos/a.png") == (
        ["photos/c.nef", "photos/a.png"],
        [],
    )


def test_a_folder_of_nothing_else_holds_no_pictures(folder):
    (folder / "phone").mkdir()
    (folder / "phone/a.heic").touch()
    lines = []
    with pytest.raises(OptionsError, match="phone holds no pictures; check the name"):
        asked("--contents=phone", "--styles=paintings", say=lines.append)
    assert len(lines) == 1


@pytest.fixture
def looped(folder):
    """The folder, with links that lead back up, to other names and to themselves."""
    (folder / "photos/deep/er").mkdir(parents=True)
    files.write(folder / "photos/deep/er/c.png", picture(8))
    (folder / "photos/up").symlink_to("..")
    (folder / "photos/deep/here").symlink_to(".")
    (folder / "photos/deep/also").symlink_to(folder / "photos")
    (folder / "photos/.hidden").mkdir()
    files.write(folder / "photos/.hidden/d.png", picture(9))
    return folder


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/**/*.png", ["photos/a.png", "photos/b.png", "photos/deep/er/c.png"]),
        ("photos/**/er/*", ["photos/deep/er/c.png"]),
        ("**/c.png", ["photos/deep/er/c.png"]),
        ("p*/**/[bc].png", ["photos/b.png", "photos/deep/er/c.png"]),
        ("photos/**/deep/**/*.png", ["photos/deep/er/c.png"]),
        ("photos/d*/**", ["photos/deep/er/c.png"]),
    ],
)
def test_two_stars_take_each_picture_once(looped, pattern, expected):
    (looped / "photos/deep/also").unlink()
    (looped / "photos/up").unlink()
    assert said(pattern) == (expected, [])


def test_two_stars_come_to_an_end_where_links_lead_back(looped):
    photos, lines = said("photos/**/*.png")
    real = sorted(os.path.realpath(path) for path in photos)
    inside = ["photos/a.png", "photos/b.png", "photos/deep/er/c.png"]
    assert real == sorted(str(looped / p) for p in (*inside, "paintings/p.png"))
    assert lines == []
    assert said(f"{looped}/photos/deep/**/*.png")[0][0].startswith(str(looped))


def test_one_picture_by_two_names_is_taken_once(folder):
    (folder / "photos/z.png").symlink_to("a.png")
    (folder / "elsewhere").symlink_to("photos")
    photos, lines = said("photos", "elsewhere/b.png")
    assert photos == ["photos/a.png", "photos/b.png"]
    assert lines == [
        "nst-jax: --contents: photos/z.png is photos/a.png, and 1 more such names: "
        "each picture is taken once"
    ]
    assert said("photos/a.png", "./photos/a.png", "photos/../photos/a.png") == (
        ["photos/a.png"],
        [],
    )


def test_links_to_themselves_are_names_like_others(folder):
    (folder / "photos/me.png").symlink_to("me.png")
    for given in ("photos/me.png", "photos/m*"):
        assert said(given) == (["photos/me.png"], [])
    # In a folder only what can be looked at counts.
    assert said("photos")[0] == ["photos/a.png", "photos/b.png"]


# The home.


def test_a_tilde_is_the_home_in_every_path(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    assert said("~/photos/a.png") == ([f"{folder}/photos/a.png"], [])
    assert said("~/photos", "~/paintings/q*")[0] == [
        *(f"{folder}/photos/{name}.png" for name in "ab"),
        f"{folder}/paintings/q.jpg",
    ]
    two = "~/paintings/p.png+~/paintings/q.jpg"
    rows = [["content", "style", "init"], ["~/photos/a.png", two, "~/i"]]
    write_csv("pairs.csv", *rows)
    paintings = [f"{folder}/paintings/{name}" for name in ("p.png", "q.jpg")]
    assert asked("--pairs=~/pairs.csv") == [
        (f"{folder}/photos/a.png", *paintings, {"init": f"{folder}/i"})
    ]
    given = ["--contents=~/photos/a.png", f"--styles={two}+{two}"]
    assert asked(*given) == [(f"{folder}/photos/a.png", *2 * paintings, {})]
    line = ["batch", "--output_dir=~/out", "--contents=photos", "--styles=paintings"]
    parsed = main.parser().parse_args([*line, "--compilation_cache_dir=~/xla"])
    assert parsed.output_dir == folder / "out"
    assert parsed.compilation_cache_dir == str(folder / "xla")
    line = ["stylize", "a", "b", "--output=~/x.png", "--trace=~/t.jsonl"]
    parsed = main.parser().parse_args(line)
    assert (parsed.output, parsed.trace) == (folder / "x.png", folder / "t.jsonl")


def test_a_folder_that_is_called_like_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "photos"))
    (folder / "~").mkdir()
    files.write(folder / "~/a.png", picture(8))
    # It is there: what is not is looked for at home.
    assert said("~/a.png", "~/b.png")[0] == ["~/a.png", f"{folder}/photos/b.png"]
    assert said("~")[0] == ["~/a.png"]
