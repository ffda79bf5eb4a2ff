"""Names that would be markup, script or template in the gallery, and are text."""

import dataclasses
import urllib.parse

import numpy as np
import pytest
from support.gallery_batch import made
from support.html_tree import parsed

from nst_jax.collection import gallery
from nst_jax.images import files

_EVIL = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "</style></template></title><b>",
    "<!--",
    "&lt;i&gt; &amp;",
    "javascript:alert(1)",
    "]]>\u2028${x}`",
    "{{ 6 * 7 }}{% raw %}{#",
)
_HARMLESS = str.maketrans(dict.fromkeys("<>\"'&;:=!-()${}`", "x"))


@pytest.fixture
def batch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


def poisoned(entry, text):
    return dataclasses.replace(
        entry,
        content=f"in/{text}.jpg",
        style=f"{text}/{text}.jpg",
        error=text,
        options={text: text, "init": text, "style_taps": [text]},
        varied={text: text},
        versions={text: text},
        device=text,
    )


def structure(page):
    """Tags and names of attributes, in order."""
    return [
        (found.tag, *found.attributes) for found in page.all() if found.tag != "#text"
    ]


@pytest.mark.parametrize("evil", _EVIL)
def test_names_are_text_and_nothing_else(batch, evil):
    """The page is, element by element, that of harmless names."""
    pages = []
    for text in evil, evil.translate(_HARMLESS):
        output = text.replace("/", "_") + ".png"
        files.write(batch.folder / output, np.zeros((4, 4, 3), np.float32))
        done, gone, failed = (poisoned(entry, text) for entry in batch.entries[:3])
        done = dataclasses.replace(done, output=output)
        gone = dataclasses.replace(gone, output=f"{text}.gone")
        failed = dataclasses.replace(failed, status="failed")
        gallery.write(batch.page, text, [done, gone, failed], batch.folder)
        pages.append(parsed(batch.page))
    poisoned_page, harmless = pages
    assert structure(poisoned_page) == structure(harmless)
    assert not [
        name
        for found in poisoned_page.all()
        for name in found.attributes
        if name.startswith("on")
    ]
    assert poisoned_page.one("script").raw == harmless.one("script").raw
    assert poisoned_page.one("style").raw == harmless.one("style").raw
    assert poisoned_page.one("h1").raw == poisoned_page.one("title").raw == evil
    assert poisoned_page.one("section").one("code").raw == evil
    for template in poisoned_page.all("template"):
        facts = [found.raw for found in template.all("dd")]
        assert evil in facts
        assert f"{evil} {evil}" in facts
        assert (evil, evil) in {
            (row.one("th").raw, next(row.all("td")).raw) for row in template.all("tr")
        }
    # Addresses stay those of files beside the page.
    full = next(poisoned_page.all(class_="full")).attributes["href"]
    assert urllib.parse.urlsplit(full).scheme == ""
    assert (batch.folder / urllib.parse.unquote(full)).is_file()
