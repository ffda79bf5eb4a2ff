"""What `nst-jax stylize` says of input that it refuses, each in one line."""

import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from support import png_files
from support.batch_folder import contents, odd_files, picture
from support.masks import halves
from support.program import QUICK, run
from support.stored_weights import SMALL

from nst_jax.images import files
from weights_convert import architectures, store

PHOTO, PAINTING = "photos/a.png", "paintings/p.png"
PAIR = (PHOTO, PAINTING)
SNAPSHOTS = ("--snapshot_every=2",)
NO_LOSS = ("--content_weight=3e38", "--init=noise")  # Its loss is beyond float32.

_PICTURES = [
    (("missing.png", PAINTING), "missing.png: no such file; check the name"),
    ((PHOTO, "missing.png"), "missing.png: no such file; check the name"),
    (("", PAINTING), "a name is empty: name a picture"),
    (("photos/notes.txt", PAINTING), "photos/notes.txt: is not an image, or of an unk"),
    (("empty.png", PAINTING), "empty.png: is empty; get the image again"),
    ((PHOTO, "paintings"), "paintings: is a folder; give an image file"),
    ((PHOTO, "/dev/zero"), "/dev/zero: is not a regular file; give an image file"),
    (("cut.png", PAINTING), "cut.png: can't be decoded (.*); it may be cut short or"),
    (
        (PHOTO, "../odd/pipe.png"),
        "../odd/pipe.png: is not a regular file; give an image file",
    ),
    (
        ("../odd/loop.png", PAINTING),
        "../odd/loop.png: can't be opened (Too many levels of symbol",
    ),
    (("drawing.jpg", PAINTING), "drawing.jpg: is an EPS or PostScript file, which can"),
    (
        ("../odd/far.png", PAINTING),
        "../odd/far.png: has 4.0 GB, too many for a picture; 2 are read",
    ),
    (
        (*PAIR, "--init=../odd/pipe.png"),
        "../odd/pipe.png: is not a regular file; give an image fi",
    ),
    ((*PAIR, "--init=/dev/zero"), "/dev/zero: is not a regular file; give an image f"),
    (
        (*PAIR, "--init=../odd/loop.png"),
        "init='../odd/loop.png' is neither content, style, details, noise",
    ),
    (("photos/a.png/b.png", PAINTING), "photos/a.png/b.png: can't be opened (Not a d"),
    (("bomb.png", PAINTING), "bomb.png: has more than 178,956,970 pixels, the limit;"),
    ((*PAIR, "--init=nowhere.png"), "init='nowhere.png' is neither content, style, d"),
    ((*PAIR, "--init=photos/notes.txt"), "photos/notes.txt: is not an image"),
    ((*PAIR, "--init=photos"), "photos: is a folder"),
]

_OUTPUTS = [
    ((*PAIR, "-o", "out.xyz"), "out.xyz: the ending is '.xyz'; give the output one of"),
    ((*PAIR, "-o", "out"), "out: no ending; give the output one of .png"),
    ((*PAIR, "-o", "nowhere/out.png"), "nowhere/out.png: there is no folder /.*nowhe"),
    ((*PAIR, "-o", "photos/a.png/b.png"), "photos/a.png/b.png: .*is a file, not a fo"),
    ((*PAIR, "-o", "folder.png"), "folder.png: is a folder; give the name of a file"),
    ((*PAIR, "-o", "o" * 300 + ".png"), "o+.png: can't be written (File name too lon"),
    ((*PAIR, "--trace=nowhere/t.jsonl"), "trace=nowhere/t.jsonl: the folder doesn't"),
    ((*PAIR, "-o", PHOTO), "photos/a.png: is read too (as photos/a.png), and would be"),
    ((*PAIR, "-o", "paintings/../link.png"), "paintings/../link.png: is read too (as "),
    ((*PAIR, "-o", "b.png", "--init=photos/b.png"), "b.png: is read too (as photos/b"),
    (("x_000002.png", PAINTING, "-o", "x.png", *SNAPSHOTS), "x_000002.png: is read to"),
    ((PHOTO, "x.png.state", "-o", "x.png"), "x.png.state: is read too (as x.png.stat"),
    (
        (*PAIR, f"--trace={PAINTING}"),
        "paintings/p.png: is read too (as paintings/p.png",
    ),
    ((*PAIR, "--trace=out.png"), "out.png: is written twice (as out.png), and would b"),
    ((*PAIR, "--trace=out.png.state"), "out.png.state: is written twice"),
    ((*PAIR, "--trace=out_000002.png", *SNAPSHOTS), "out_000002.png: is written twic"),
    ((*PAIR, "--trace=photos"), "photos: is a folder; give the name of a file"),
    ((*PAIR, "-o", "out.jpg", "--bits=16"), "out.jpg: bits=16 needs .png or .tif; JP"),
    ((*PAIR, "-o", "x.webp", "--bits=16"), "x.webp: bits=16 needs .png or .tif; WEBP"),
    (
        (*PAIR, "-o", "out.jpeg", "--transparency=keep"),
        "out.jpeg: transparency=keep needs .png, .webp or .tif; JPEG has none",
    ),
    ((*PAIR, "-o", "null.png"), "null.png: is no regular file; give the name of a fi"),
    ((*PAIR, "-o", "pipe.png"), "pipe.png: is no regular file; give the name of a fi"),
    ((*PAIR, "-o", "o" * 246 + ".png"), "o+.png.state: can't be written (File name to"),
    ((*PAIR, "-o", "o" * 245 + ".png", *SNAPSHOTS), "o+_000002.png: can't be written"),
    (
        (*PAIR, "--resume", "--trace=photos/notes.txt"),
        "photos/notes.txt: exists, and was not made by nst-jax; move it away, choose",
    ),
    ((*PAIR, "--resume"), "out.png.state: nothing to resume from; run without --resu"),
]

_OPTIONS = [
    ((*PAIR, "--size=15"), "size=15 is out of range: give a whole number, 16 to 6553"),
    ((*PAIR, "--size=big"), "size='big' is not a whole number"),
    ((*PAIR, "--bits=12"), "bits=12 is out of range: give 8 or 16"),
    ((*PAIR, "--transparency=drop"), "transparency='drop' is not known; choose one of"),
    ((*PAIR, "--border=wrap"), "border='wrap' is not known; choose one of zero, refle"),
    (
        ("tiny.png", PAINTING, "--size=original"),
        "tiny.png: its longest side has 12 pixels, and a result 16 to 65536: give a ",
    ),
    ((*PAIR, "--steps=-1"), "steps=-1 is out of range"),
    ((*PAIR, "--steps=2.5"), "steps='2.5' is not a whole number"),
    ((*PAIR, "--crop=wide"), "crop='wide' is out of range: give width:height"),
    ((*PAIR, "--tv_weight=nan"), "tv_weight=nan is out of range"),
    ((*PAIR, "--style-weight=-1"), "style_weight=-1.0 is out of range"),
    ((*PAIR, "--style_weight=heavy"), "style_weight='heavy' is not a number"),
    ((*PAIR, "--solver=sgd"), "solver='sgd' is not known; choose one of lbfgs, adam"),
    ((*PAIR, "--style_loss=slicd"), "style_loss='slicd' is not known; did you mean sl"),
    (
        (*PAIR, "--style_loss=neighbors_split", "--solver=lbfgs"),
        "style_loss=neighbors_split draws posit",
    ),
    (
        (*PAIR, "--finish_loss=neighbors_split", "--solver=lbfgs"),
        "finish_loss=neighbors_split draws positions anew at each step, which lbfgs",
    ),
    ((*PAIR, "--style_turns=3"), "style_turns=3 is out of range: give 1, 2 or 4"),
    ((*PAIR, "--content_loss=l2"), "content_loss='l2' is not known; choose one of sha"),
    ((*PAIR, "--edge_weight=-1"), "edge_weight=-1.0 is out of range: give a number, 0"),
    ((*PAIR, "--edge_pools=0"), "edge_pools=(0,) is out of range: give whole numbers,"),
    ((*PAIR, "--edge_pools=4,4"), "edge_pools=(4, 4) is out of range: give whole numb"),
    ((*PAIR, "--edge_pools=2.5"), "edge_pools='2.5' is not a whole number"),
    ((*PAIR, "--network=vgg99"), "network 'vgg99' is not known; choose one of vgg19,"),
    (
        (*PAIR, "--style_taps=relu9_1"),
        "squeezenet1_1 has no tap relu9_1; it has conv1, relu_conv1",
    ),
    ((*PAIR, "--style_taps=", "--content_taps="), "content_taps and style_taps are b"),
    ((*PAIR, "--style_tap_weights=1,2"), "style_tap_weights has 2 numbers for 1 styl"),
    ((*PAIR, "--style_blend=1,2"), "style_blend has 2 shares for 1 painting; give on"),
    ((*PAIR, PHOTO, "--style_blend=0,0"), "style_blend=.* is out of range"),
]


_MASKS = [
    ((*PAIR, "--mask=gone.png"), "gone.png: no such file; check the name"),
    ((*PAIR, "--mask=photos/notes.txt"), "photos/notes.txt: is not an image, or of an"),
    (
        (*PAIR, "--keep_mask=cut.png"),
        "cut.png: can't be decoded (.*); it may be cut sh",
    ),
    ((*PAIR, f"--mask={PHOTO}"), "photos/a.png: has colours, but a mask is grey: whit"),
    ((*PAIR, "--mask=lying.png"), "lying.png: is 66x48 pixels, of another aspect rat"),
    ((*PAIR, "--mask=black.png"), "black.png: the mask is black everywhere: nothing"),
    ((*PAIR, "--keep_mask=white.png"), "white.png: the mask is white everywhere: all"),
    ((*PAIR, "--mask=a.png,b.png"), "mask has 2 masks for 1 painting; give one for ea"),
    ((*PAIR, "--mask="), "mask is empty: name a file, or leave it out"),
    ((*PAIR, f"--content_mask={PHOTO}"), "content_mask says where; what is painted th"),
    (
        (*PAIR, "--content_mask=white.png", "--regions=red:p"),
        "white.png: has no #ff0000 red, as regions say; it has #ffffff white",
    ),
    (
        (*PAIR, "--content_mask=white.png", "--style_mask=noise.png"),
        "noise.png: has no flat areas: draw each region in one colour, without shades",
    ),
    ((*PAIR, "--mask_feather=-1"), "mask_feather=-1.0 is out of range: give a number"),
    ((*PAIR, "--mask_reach=near"), "mask_reach='near' is not known; choose one of si"),
    ((*PAIR, "--show_regions=s.png"), "show_regions shows masks: give some, such as"),
    (
        (*PAIR, "--keep_mask=black.png", "--show_regions=black.png"),
        "black.png: is read too (as black.png), and would be overwritten; choose anot",
    ),
    (
        (*PAIR, "--keep_mask=half.png", "--show_regions=nowhere/s.png"),
        "nowhere/s.png: there is no folder /.*nowhere; make it first",
    ),
]


@pytest.fixture
def damaged(folder):
    """The working folder, with files that are no pictures."""
    (folder / "empty.png").touch()
    files.write("tiny.png", picture(8, 9, 12))
    (folder / "cut.png").write_bytes((folder / PHOTO).read_bytes()[:900])
    (folder / "folder.png").mkdir()
    odd_files(folder.parent / "odd")
    (folder / "drawing.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    (folder / "link.png").symlink_to(PHOTO)
    (folder / "b.png").hardlink_to("photos/b.png")
    (folder / "null.png").symlink_to("/dev/null")
    os.mkfifo("pipe.png")
    for name in ("x_000002.png", "x.png.state"):
        shutil.copy(PHOTO, name)
    masks = {"black": np.zeros((66, 48)), "white": np.ones((66, 48))}
    masks |= {"lying": halves(48, 66), "half": halves(66, 48)}
    masks["noise"] = np.random.default_rng(0).random((40, 33))
    for name, mask in masks.items():
        Image.fromarray((255 * mask).astype(np.uint8)).save(folder / f"{name}.png")
    png_files.write_png(folder / "bomb.png", (20_000, 20_000), 8, png_files.RGB, [b""])
    return folder


def refused(capsys, folder, arguments, line):
    """Runs the command, which is to say this line and to leave no trace."""
    if "-o" not in arguments:
        arguments = (*arguments, "-o", "out.png")
    before = contents(folder)
    assert run("stylize", *QUICK, *arguments) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    pattern = re.escape(line).replace(r"\.\*", ".*").replace(r"o\+", "o+")
    assert re.fullmatch(rf"nst-jax: {pattern}[^\n]*\n", errors), errors
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("arguments", "line"),
    [*_PICTURES, *_OUTPUTS, *_OPTIONS, *_MASKS],
    ids=lambda v: str(v)[:60],
)
def test_is_one_line_and_leaves_nothing(damaged, capsys, arguments, line):
    refused(capsys, damaged, arguments, line)


def test_a_picture_of_which_a_tap_sees_nothing(folder, capsys):
    taps = ("--content_taps=fire9/concat", "--style_taps=conv1")
    # 17 rows are enough, of 128 columns reduced to 32: the ratio is the picture's own.
    for width, size in ((4, 528), (3, 704)):
        files.write("thin.png", picture(5, 128, width))
        line = f"thin.png: at 1x32 pixels it is too small for .*: give size={size} or m"
        refused(capsys, folder, ("thin.png", PAINTING, *taps), line)
    line = (
        "thin.png: at 1x32 pixels it is too small for conv1, which sees nothing of it"
    )
    refused(capsys, folder, (PHOTO, "thin.png"), line.replace("conv1", ".*"))


def test_a_start_without_a_loss(folder, capsys):
    line = "the loss of the starting image is not finite: check the weights"
    refused(capsys, folder, (*PAIR, *NO_LOSS), line)


def test_weights_that_are_not_there(folder, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "elsewhere"))
    line = f"the weights of {SMALL} are not stored in /.* and --offline forbids fetchi"
    refused(capsys, folder, (*PAIR, "--offline"), line)
    line = "vgg19-normalized is not published; make it with `nst-weights normalize"
    vgg = (
        "--network=vgg19-normalized",
        "--content_taps=conv1_1",
        "--style_taps=conv1_1",
    )
    refused(capsys, folder, (*PAIR, *vgg), line)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda content: content[:5000], "truncated or damaged"),
        (lambda content: b"", "truncated or damaged"),
        (lambda content: content.replace(b"conv1/bias", b"conv1/bios"), "conv1/bias"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "wrong hash: expec"),
    ],
)
def test_damaged_weights(folder, capsys, monkeypatch, tmp_path, home, damage, line):
    of = architectures.find(SMALL)
    content = store.weights_path(of).read_bytes()
    monkeypatch.setenv("NST_JAX_HOME", str(tmp_path / "damaged"))
    path = store.weights_path(of)
    path.parent.mkdir(parents=True)
    path.write_bytes(damage(content))
    line = f"the weights of {SMALL} are damaged (.*{line}.*) and --offline forbids"
    refused(capsys, folder, (*PAIR, "--offline"), line)


def test_a_folder_in_which_nobody_can_write(folder, capsys):
    """Found out before the work by those without permission, after it by root."""
    refused(capsys, folder, (*PAIR, "-o", "/proc/self/out.png"), "/proc/self/out.png: ")
