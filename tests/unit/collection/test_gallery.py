"""The gallery, read back with a parser of HTML."""

import base64
import collections
import dataclasses
import hashlib
import io
import os
import re
import subprocess
import sys
import urllib.parse

import numpy as np
import pytest
from PIL import Image
from support.gallery_batch import COLOURS, made
from support.html_tree import parsed

from nst_jax.collection import gallery, manifest
from nst_jax.images import files
from nst_jax.options import Options


def decoded(uri):
    kind, data = uri.split(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        picture.load()
        assert picture.format == "JPEG"
    return picture


@pytest.fixture
def batch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


def test_a_card_for_each_picture(batch):
    page = batch.write()
    assert page.one("h1").text == page.one("title").text == "A batch"
    summary = "2 photos \u00d7 2 paintings \u00b7 13 s on a test"
    assert summary in page.one("header").text
    cards = list(page.all("li", "card"))
    assert [card.one(class_="caption").text for card in cards] == [
        f"{content} \u00d7 {style} loss 12.5"
        for content in ("cat", "dog")
        for style in ("dots", "glass")
    ]
    links = [next(card.all("a")).attributes["href"] for card in cards]
    assert links == ["#1", "#2", "#3", "#4"]
    for card, entry in zip(cards, batch.entries, strict=True):
        image = next(card.all("img"))
        assert image.attributes["loading"] == "lazy"
        picture = decoded(image.attributes["src"])
        assert picture.size == (320, 160)
        with Image.open(batch.folder / entry.output) as original:
            assert picture.getpixel((9, 9)) == original.getpixel((9, 9))


def test_what_is_said_about_all_of_them_stands_above(batch):
    figure = np.full((40, 3200, 3), 0.5, np.float32)
    files.write(batch.folder / "a sheet.png", figure)
    about = gallery.About(["From <a paper>."], "run --it", ["a sheet.png", "gone.png"])
    head = batch.write(about=about).one("header")
    assert [text.text for text in head.all("p")][1:] == [
        "From <a paper>.",
        "run --it",
        "gone.png is not beside this page.",
    ]
    assert head.one("code").text == "run --it"
    assert head.one("a").attributes["href"] == "./a%20sheet.png"
    image = head.one("img").attributes
    assert image["alt"] == "a sheet.png"
    assert decoded(image["src"]).size == (1600, 20)


def test_a_card_tells_the_masks_that_divided_it(batch):
    regions = {"#ff0000": ["<a>.jpg"]}
    masks = {"mask": ["sky.png", "ground.png"], "regions": regions}
    page = batch.write([dataclasses.replace(batch.entries[0], masks=masks)])
    (card,) = page.all("li", "card")
    rows = [
        (row.one("th").text, row.one("td").text)
        for row in next(card.all("table")).all("tr")
    ]
    assert rows == [
        ("mask", "sky.png, ground.png"),
        ("regions", '{"#ff0000": ["<a>.jpg"]}'),
    ]
    assert not [of for of in batch.write().all("h3") if of.text == "Masks"]


def test_originals_are_in_the_page_once_and_shown_by_class(batch):
    page = batch.write()
    style = page.one("style").text
    uris = dict(re.findall(r"\.(o\d+) \{ background-image: url\((.*?)\); \}", style))
    greys = {name: decoded(uri).getpixel((5, 5))[0] / 255 for name, uri in uris.items()}
    assert sorted(greys.values()) == pytest.approx([0.15, 0.35, 0.6, 0.8], abs=0.005)
    assert all(decoded(uri).size == (320, 160) for uri in uris.values())
    text = batch.page.read_text(encoding="utf-8")
    assert [text.count(uri) for uri in uris.values()] == [1] * 4
    for card, entry in zip(page.all("li", "card"), batch.entries, strict=True):
        names = [entry.content[:-4], entry.style[:-4]] * 2  # Hovering, and lightbox.
        shown = [greys[original.classes[1]] for original in card.all(class_="original")]
        assert shown == pytest.approx([COLOURS[name] for name in names], abs=0.005)


def test_the_page_needs_nothing_from_elsewhere(batch):
    page = batch.write()
    kinds = collections.Counter()
    for found in page.all():
        for name in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            if name in found.attributes:
                kinds[re.match(r"data:|#\d|\./", found.attributes[name])[0][:2]] += 1
    assert set(kinds) == {"da", "./", "#1", "#2", "#3", "#4"}
    text = page.one("style").text + page.one("script").text
    assert "http" not in text
    assert "@import" not in text
    assert set(re.findall(r"url\((.{10})", text)) == {"data:image", "${thumbnai"}


def test_no_script_runs_but_the_pages_own(batch):
    page = batch.write()
    script = page.one("script")
    assert script.attributes == {}
    (policy,) = (
        meta.attributes["content"]
        for meta in page.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(script.raw.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    "output",
    ["a b#c?d%20.png", "mailto:x.png", "deep/er/\u00e9.png", "b\udcff.png", "a\\b.png"],
)
def test_links_lead_to_the_files(batch, tmp_path, output):
    path = batch.folder / output
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, np.zeros((4, 4, 3), np.float32))
    entry = dataclasses.replace(batch.entries[0], output=output)
    for page in batch.page, tmp_path / "index.html", batch.folder / "deep.html":
        gallery.write(page, "links", [entry], batch.folder)
        full = next(parsed(page).all(class_="full"))
        for address in full.attributes["href"], full.one("img").attributes["src"]:
            assert urllib.parse.urlsplit(address)[3:] == ("", "")
            relative = os.fsdecode(urllib.parse.unquote_to_bytes(address))
            assert os.path.samefile(page.parent / relative, path)


def test_a_deleted_picture_is_said_to_be_missing(batch):
    (batch.folder / "cat_glass.png").unlink()
    (batch.folder / "dog_dots.png").write_bytes(b"no picture")
    page = batch.write()
    cards = list(page.all("li", "card"))
    assert [any(card.all("img")) for card in cards] == [True, False, False, True]
    for card, name in (cards[1], "cat_glass.png"), (cards[2], "dog_dots.png"):
        assert "picture missing" in card.text
        assert f"The file is gone: {name}" in card.one("template").text
        assert not [a for a in card.all("a") if "cat_" in a.attributes["href"]]


def test_missing_originals_are_said_to_be(batch, tmp_path):
    (tmp_path / "dots.png").unlink()
    page = batch.write()
    gone = [o for o in page.all(class_="original") if "gone" in o.classes]
    assert len(gone) == 1 + 2 * 2  # Its filter, and twice in each of two cards.
    assert {found.text for found in gone} == {"", "not found"}


def test_failed_pairs_are_listed_with_their_errors(batch):
    failed = dataclasses.replace(
        batch.entries[0], status="failed", error="no memory", varied={"seed": 3}
    )
    stopped = dataclasses.replace(batch.entries[1], status="stopped", iterations=4)
    page = batch.write([failed, stopped])
    assert len(list(page.all("li", "card"))) == 1
    (line,) = page.one("section", "failed").all("li")
    assert line.text == "cat.png \u00d7 dots.png seed 3 no memory"
    assert page.one(class_="badge").text == "stopped at 4"
    assert "4, stopped early" in page.text
    assert not any(batch.write(batch.entries).all("section"))


def test_options_that_are_not_the_defaults_come_first(batch):
    entry = dataclasses.replace(
        batch.entries[0],
        options={
            **dataclasses.asdict(Options(style_weight=10.0, seed=4)),
            "style_taps": list(Options().style_taps),  # As JSON has it.
            "forgotten": None,
        },
    )
    template = batch.write([entry]).one("template")
    changed, same = template.all("table")
    assert [
        [cell.text for cell in row.all() if cell.tag in ("th", "td")]
        for row in changed.all("tr")
    ] == [
        ["seed", "4", "default 0"],
        ["style_weight", "10", "default 1.7"],
        ["forgotten", "automatic", ""],
    ]
    assert same.parent.tag == "details"
    names = [cell.text for cell in same.all("th")]
    assert "style_taps" in names
    assert len(names) == len(dataclasses.fields(Options)) - 2
    assert same.parent.one("summary").text == f"{len(names)} at their defaults"


def test_facts_and_curve(batch):
    template = next(batch.write().all("template"))
    terms = [found.text for found in template.all("dt")]
    facts = dict(zip(terms, (found.text for found in template.all("dd")), strict=True))
    absent = " (not beside this page; its thumbnail is shown)"
    assert facts == {
        "Lowest loss": "12.5",
        "Iterations": "7",
        "Time": "3.25 s",
        "Size": "400 \u00d7 200 pixels",
        "Device": "a test",
        "Versions": "jax 0.10.2",
        "File": "cat_dots.png" + absent,
    }
    assert any(template.one("svg").all("polyline"))


def test_an_entry_that_knows_little(batch):
    bare = manifest.Entry("gone.png", "no.jpg", "none.jpg", "0", "done")
    page = batch.write([bare])
    assert not any(page.all("svg", "losses"))
    assert page.one(class_="caption").text == "no \u00d7 none"


def test_filters_agree_with_the_cards(batch):
    entries = [
        dataclasses.replace(entry, varied={"style_weight": weight, "gram": "hw"})
        for weight in (1.0, 10.0)
        for entry in batch.entries
    ]
    page = batch.write(entries)
    names = [group.one("h2").text for group in page.all(class_="facet")]
    assert names == ["Photos", "Paintings", "style_weight"]
    chips = {
        (chip.attributes["data-facet"], chip.attributes["data-value"]): chip.text
        for chip in page.all("button", "chip")
    }
    for card, entry in zip(page.all("li", "card"), entries, strict=True):
        values = card.attributes["data-values"].split()
        assert [chips.get((str(i), value)) for i, value in enumerate(values)] == [
            entry.content[:-4],
            entry.style[:-4],
            f"{entry.varied['style_weight']:g}",
            None,  # One value alone is nothing to filter by.
        ]
        shown = f"style_weight {entry.varied['style_weight']:g}, gram hw"
        assert next(card.all(class_="varied")).text == shown


def test_nothing_to_show(batch):
    page = batch.write([])
    assert not any(page.all("li"))
    assert "0 photos \u00d7 0 paintings" in page.one("header").text


@pytest.mark.slow
def test_many_pictures_have_small_thumbnails(batch):
    gone = manifest.Entry("gone.png", "cat.png", "dots.png", "0", "done")
    page = batch.write([*batch.entries, *[gone] * 1596])
    cards = [card for card in page.all("li", "card") if any(card.all("img"))]
    assert len(cards) == 4
    for card in cards:
        assert decoded(next(card.all("img")).attributes["src"]).size == (160, 80)


def test_small_pictures_are_not_enlarged(batch):
    files.write(batch.folder / "cat_dots.png", np.zeros((6, 9, 3), np.float32))
    image = next(batch.write(batch.entries[:1]).all("img"))
    assert decoded(image.attributes["src"]).size == (9, 6)


def test_a_page_that_cannot_be_written_leaves_nothing(batch):
    batch.page.mkdir()
    names = set(batch.folder.iterdir())
    with pytest.raises(OSError, match=r"index\.html"):
        gallery.write(batch.page, "A batch", batch.entries, batch.folder)
    assert set(batch.folder.iterdir()) == names


def test_loaded_without_jax():
    code = """
import sys
from nst_jax.collection import gallery, manifest, naming, plate, sheet
slow = "jax", "flax", "optax", "jinja2"
print([name for name in slow if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
