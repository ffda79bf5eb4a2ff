"""The gallery's script at work, in as much of a browser as it needs."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.gallery_batch import made

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs Node.js")

BROWSER = Path(__file__).parents[2] / "support/browser.js"
SHORT = """
const all = selector => document.querySelectorAll(selector);
const one = selector => document.querySelector(selector);
const shown = () => all('.card').flatMap((card, i) => card.hidden ? [] : [i + 1]);
const box = one('dialog'), counter = one('.counter'), seen = [];
"""


@pytest.fixture
def batch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return made(tmp_path)


def played(page, steps):
    """What the steps return once the page's own script runs in a small browser."""
    script = page.one("script").raw
    given = {"tree": page.plain(), "script": script, "steps": SHORT + steps}
    ran = subprocess.run(
        ["node", BROWSER], input=json.dumps(given), capture_output=True, text=True
    )
    assert ran.stderr == ""
    return json.loads(ran.stdout)


def test_filters_at_work(batch):
    """Values of one facet add up, facets have to agree."""
    seen = played(
        batch.write(),
        """
const [cat, dog, dots, glass] = all('.chip');
const count = one('.count'), clear = one('.clear');
const note = () => seen.push([shown(), count.textContent, clear.hidden]);
note();
for (const chip of [cat, glass, dog, cat]) { chip.fire('click'); note(); }
clear.fire('click'); note();
return [seen, all('.chip').map(chip => chip.getAttribute('aria-pressed'))];
""",
    )
    everything = [[1, 2, 3, 4], "4 pictures", True]
    assert seen == [
        [
            everything,
            [[1, 2], "2 of 4 pictures", False],
            [[2], "1 of 4 pictures", False],
            [[2, 4], "2 of 4 pictures", False],
            [[4], "1 of 4 pictures", False],
            everything,
        ],
        ["false"] * 4,
    ]


def test_the_address_opens_a_picture_and_keys_walk_on(batch):
    seen = played(
        batch.write(),
        """
const note = () => seen.push([location.hash, box.open, counter.textContent]);
for (const to of ['#2', '#9', '#4', '#<b>', '#4']) { location.hash = to; note(); }
const full = one('.full img').src;
for (const key of ['ArrowRight', 'x', 'ArrowLeft', 'ArrowLeft']) {
  box.fire('keydown', {key}); note();
}
one('.next').fire('click'); note();
one('.close').fire('click');
return [seen, full, location.hash, document.activeElement.getAttribute('href')];
""",
    )
    assert seen == [
        [
            ["#2", True, "2 of 4"],
            ["", False, "2 of 4"],
            ["#4", True, "4 of 4"],
            ["", False, "4 of 4"],
            ["#4", True, "4 of 4"],
            ["#1", True, "1 of 4"],
            ["#1", True, "1 of 4"],
            ["#4", True, "4 of 4"],
            ["#3", True, "3 of 4"],
            ["#4", True, "4 of 4"],
        ],
        "./dog_glass.png",
        "",
        "#4",
    ]


def test_fingers_swipe_among_what_is_filtered(batch):
    seen = played(
        batch.write(),
        """
location.hash = '#1';
const swipe = (dx, dy) => {
  const stage = one('.stage'), at = (x, y) => [{clientX: x, clientY: y}];
  stage.fire('touchstart', {touches: at(200, 50)});
  stage.fire('touchend', {changedTouches: at(200 + dx, 50 + dy)});
  seen.push(location.hash);
};
swipe(-90, 5); swipe(-90, 70); swipe(-20, 0); swipe(90, 0); swipe(90, 0); swipe(-90, 0);
all('.chip')[2].fire('click');
swipe(-90, 0); swipe(-90, 0);
return [shown(), seen];
""",
    )
    assert seen == [[1, 3], ["#2", "#2", "#2", "#1", "#4", "#1", "#3", "#1"]]


def test_a_first_tap_shows_the_originals(batch):
    seen = played(
        batch.write(),
        """
const [card] = all('.card');
const tap = (element, pointerType) => {
  let stopped = false;
  element.fire('pointerdown', {pointerType});
  element.fire('click', {preventDefault: () => { stopped = true; }});
  seen.push([stopped, card.classList.contains('peek')]);
};
for (const kind of ['mouse', 'touch', 'touch']) tap(card.querySelector('a'), kind);
tap(one('h1'), 'touch');
return seen;
""",
    )
    assert seen == [[False, False], [True, True], [False, True], [False, False]]


def test_a_picture_that_is_not_beside_the_page_is_its_thumbnail(batch):
    page = batch.write()
    shown, hidden = played(
        page,
        """
location.hash = '#1';
const note = () => seen.push([one('.full img').src, one('.absent').hidden]);
note(); one('.full img').fire('error'); note();
return seen;
""",
    )
    assert shown == ["./cat_dots.png", True]
    thumbnail = next(next(page.all("li", "card")).all("img")).attributes["src"]
    assert hidden == [thumbnail, False]
