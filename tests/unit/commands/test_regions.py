"""Masks on the command line, and in the columns of a file of pairs."""

import numpy as np
import pytest
from PIL import Image
from support.batch_folder import write_csv
from support.masks import halves, save_map
from support.program import QUICK, run

from nst_jax.collection import manifest
from nst_jax.commands import regions
from nst_jax.errors import OptionsError
from nst_jax.images import files
from nst_jax.images.source import Source
from nst_jax.transfer.regions import Regions

PHOTO, PAINTING, OTHER = "photos/a.png", "paintings/p.png", "paintings/q.jpg"
COLOURS = np.array([[0, 0, 0], [255, 0, 0]])
LABELS = halves(66, 48).astype(int)
"""Of photos."""


@pytest.fixture
def masks(folder):
    """The working folder, with masks in it."""
    for name, mask in {"left.png": LABELS, "right.png": 1 - LABELS}.items():
        Image.fromarray((255 * mask).astype(np.uint8)).save(folder / name)
    save_map(folder / "photo_map.png", COLOURS, LABELS)
    save_map(folder / "painting_map.jpg", COLOURS, halves(40, 33).astype(int))
    return folder


def lines(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


@pytest.mark.slow
def test_two_paintings_by_masks_and_a_picture_of_them(masks, capsys):
    given = ("--mask=left.png,right.png", "--show_regions=shown.png")
    assert run("stylize", PHOTO, PAINTING, OTHER, *QUICK, *given, "-o", "o.png") == 0
    assert lines(capsys) == [
        "left.png: 50 % of the photo, painting 1",
        "right.png: 50 % of the photo, painting 2",
    ]
    shown = files.read("shown.png")
    assert shown.shape == files.read("o.png").shape
    # Each half has one hue.
    left, right = shown[:, :10], shown[:, -10:]
    assert (
        (left[..., 0] - left[..., 2]).min()
        > 0.2
        > (right[..., 0] - right[..., 2]).max()
    )


@pytest.mark.slow
def test_what_is_kept_is_the_photo(masks, capsys):
    given = ("--keep_mask=left.png", "--size=66", "-o", "o.png")
    assert run("stylize", PHOTO, PAINTING, *QUICK, *given) == 0
    assert lines(capsys)[0] == "left.png: 50 % of the photo, kept"
    made, photo = files.read("o.png"), files.read(PHOTO)
    np.testing.assert_array_equal(made[:, :23], photo[:, :23])
    assert np.abs(made - photo)[:, 25:].mean() > 0.01
    assert files.read_description("o.png")["options"]["mask_feather"] == 0


def test_a_mask_of_colours_is_shown_by_them(masks, capsys):
    given = ("--color_mask=left.png", "--show_regions=shown.png")
    assert run("stylize", PHOTO, PAINTING, *QUICK, *given, "-o", "o.png") == 0
    assert lines(capsys) == ["left.png: 50 % of the photo keeps its colours"]
    across = np.ptp(files.read("shown.png"), axis=-1).max(0)
    assert across[: len(across) // 2 - 1].max() == 0
    assert across[len(across) // 2 + 1 :].min() > 0.05


@pytest.mark.slow
def test_maps_whose_colours_match_and_one_without_a_painting(masks, capsys):
    given = ("--content_mask=photo_map.png", "-o", "o.png")
    matched = ("--style_mask=painting_map.jpg",)
    assert run("stylize", PHOTO, PAINTING, *QUICK, *given, *matched) == 0
    told = lines(capsys)
    assert told[0].startswith("#000000 black: 50 % of the photo, 5")
    assert told[1].endswith(" of painting 1")
    named = ("--regions=red:p,black:photo",)
    assert run("stylize", PHOTO, PAINTING, *QUICK, *given, *named) == 0
    assert [line.rsplit(", ", 1)[1] for line in lines(capsys)[1:]] == [
        "painting 1",
        "kept",
    ]


@pytest.mark.slow
def test_a_batch_takes_them_as_columns(masks, capsys):
    header = ["content", "style", "mask", "keep_mask", "content_mask", "regions"]
    header.append("color_mask")
    both = f"{PAINTING}+{OTHER}"
    regions_of = f"red:{PAINTING}+{OTHER},black:photo"
    write_csv(
        "pairs.csv",
        header,
        [PHOTO, both, "left.png,right.png"],
        [PHOTO, PAINTING, "", "left.png"],
        [PHOTO, both, "", "", "photo_map.png", regions_of],
        [PHOTO, PAINTING],
        [PHOTO, PAINTING, "", "gone.png"],
        [PHOTO, PAINTING, "", "", "", "", "left.png"],
    )
    command = ("batch", "--pairs=pairs.csv", "--output_dir=out", *QUICK)
    assert run(*command) == 1
    told = lines(capsys)
    assert told == ["nst-jax: gone.png: no such file; check the name"]
    entries = manifest.read("out/manifest.jsonl")
    assert sorted(entries) == [
        "a_p+q_content_mask=photo_map_regions=red-p+q,black-photo.png",
        "a_p+q_mask=left,right.png",
        "a_p.png",
        "a_p_color_mask=left.png",
        "a_p_keep_mask=gone.png",
        "a_p_keep_mask=left.png",
    ]
    assert sum(entry.status == "done" for entry in entries.values()) == 5
    of = entries["a_p+q_content_mask=photo_map_regions=red-p+q,black-photo.png"]
    assert of.masks == {
        "content_mask": "photo_map.png",
        "regions": {"#ff0000": [PAINTING, OTHER], "#000000": "photo"},
    }
    assert entries["a_p.png"].masks == {}
    # Again: a mask that changed makes its picture anew, and no other.
    Image.fromarray(np.where(LABELS, 0, 255).astype(np.uint8)).save("left.png")
    assert run(*command) == 1
    assert "nst-jax: 2 of 6 are done already" in lines(capsys)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        (
            {"mask": "b.png, c.png"},
            Regions((Source("f/b.png"), Source("f/c.png"))),
        ),
        (
            {"content_mask": "m.png", "regions": "#f00:x.jpg+y, blue:1/x.jpg,3:photo"},
            Regions(
                content=Source("f/m.png"),
                assigned=(("#ff0000", (0, 1)), ("#0000ff", (0,)), ("3", ())),
            ),
        ),
        ({"keep_mask": "k.png"}, Regions(keep=Source("f/k.png"))),
    ],
)
def test_texts(given, expected):
    paintings = ["1/x.jpg", "2/y.jpg"]
    assert regions.asked(given, paintings, lambda name: f"f/{name}") == expected


def test_a_name_with_a_comma_is_one_file(tmp_path):
    (tmp_path / "a,b.png").touch()
    found = regions.asked({"mask": str(tmp_path / "a,b.png")}, ["x.jpg"])
    assert [one.key for one in found.masks] == [str(tmp_path / "a,b.png")]


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"mask": ""}, "mask is empty: name a file, or leave it out"),
        ({"regions": "red"}, "regions: 'red' is no colour with a painting: give some"),
        ({"regions": "red:z.jpg"}, "regions: z.jpg is none of the paintings, 1/x.jpg,"),
        ({"regions": "red:x,red:y"}, "regions: red is named twice"),
        ({"regions": "rouge:x"}, "regions: 'rouge' is no colour: give one such as"),
        (
            {"regions": "red:x,blue:y"},
            "regions needs content_mask, the photo's regions",
        ),
    ],
)
def test_texts_that_are_refused(given, line):
    with pytest.raises(OptionsError) as raised:
        regions.asked(given, ["1/x.jpg", "2/y.jpg"])
    assert str(raised.value).startswith(line)


def test_a_map_beside_the_photo_is_mentioned(masks):
    assert regions.beside(PHOTO) is None
    (masks / "photo_map.png").rename("photos/a_sem.png")
    assert regions.beside(PHOTO) == (
        "photos/a_sem.png lies beside the photo: --content_mask=photos/a_sem.png would "
        "take its regions"
    )


@pytest.mark.slow
def test_options_of_masks_need_masks(masks, capsys):
    (masks / "photo_map.png").rename("photos/a_sem.png")
    vain = ("--mask_feather=4", "--mask_reach=all", "--unmatched=photo")
    assert run("stylize", PHOTO, PAINTING, *QUICK, *vain, "-o", "o.png") == 0
    assert lines(capsys) == [
        "nst-jax: --mask_feather has no effect without masks",
        "nst-jax: --mask_reach has no effect without masks",
        "nst-jax: --unmatched has no effect without masks",
        "nst-jax: photos/a_sem.png lies beside the photo: "
        "--content_mask=photos/a_sem.png would take its regions",
    ]
    given = ("--mask=left.png,right.png", "--unmatched=photo", "--style_blend=1,2")
    pair = ("stylize", PHOTO, PAINTING, OTHER)
    assert run(*pair, *QUICK, *given, "-o", "o.png", "--overwrite=yes") == 0
    assert [line for line in lines(capsys) if "no effect" in line] == [
        "nst-jax: --style_blend has no effect with --mask: each painting has its own",
        "nst-jax: --unmatched has no effect without --content_mask",
    ]
