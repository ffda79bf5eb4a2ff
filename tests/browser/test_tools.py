"""The page in Chromium: queue, comparing, masks, keys, phones, a server that goes."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from support.ateliers import png
from support.browsing import LONG, QUICK, dropped, filled, reads, serving, until

from nst_jax.images import files
from nst_jax.web import examples

pytestmark = pytest.mark.browser

NAMELESS = """() => [...document.querySelectorAll('button, input, select, summary, a')]
  .filter(one => one.checkVisibility() && !(one.labels?.length
    || one.getAttribute('aria-label') || one.textContent.trim()))
  .map(one => one.outerHTML)"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_the_queue_is_reordered_and_cancelled(page, site):
    first = site.atelier.submit(LONG)["id"]
    until(lambda: site.atelier.job(first)["state"] == "painting")
    a, b, c = (site.atelier.submit(LONG)["id"] for _ in range(3))
    items = page.locator("#queue li")
    expect(items).to_have_count(4)

    def waiting():
        return [job["id"] for job in site.jobs("waiting")]

    def order():
        return items.evaluate_all("all => all.map(one => one.dataset.job)")

    page.locator(f"[data-job='{c}'] .pick").press("Alt+ArrowUp")
    until(lambda: waiting() == [a, c, b])
    focused = "document.activeElement.closest('li').dataset.job"
    until(lambda: order() == [first, a, c, b])
    assert page.evaluate(focused) == c
    page.locator(f"[data-key='down {a}']").press("Enter")
    until(lambda: waiting() == [c, a, b] and order() == [first, c, a, b])
    page.drag_and_drop(f"[data-job='{b}']", f"[data-job='{c}']")
    until(lambda: waiting() == [b, c, a])
    page.locator(f"[data-job='{c}'] .pick").press("Delete")
    until(lambda: waiting() == [b, a])
    expect(items).to_have_count(3)
    assert order() == [first, b, a]


def test_one_that_waits_to_go_on_keeps_its_picture(page, site):
    done, other = site.painted(), site.painted()
    site.atelier.submit(LONG)
    tiles, items = page.locator("#history li"), page.locator("#queue li")
    expect(items).to_have_count(1)
    for job in (done, other):
        site.atelier.go_on(job["id"])
    # By the stage's button, without being asked again, and by the queue's keys.
    page.click(f"[data-job='{done['id']}'] .pick")
    cancel = page.locator("[data-action=discard]")
    expect(cancel).to_have_text(re.compile("^Don.t go on$"))
    expect(tiles).to_have_count(0)
    cancel.click()
    reads(page, "#state", r"^Stopped at 12 of 112 ")
    expect(tiles).to_have_count(1)
    page.locator(f"[data-job='{other['id']}'] .pick").press("Delete")
    expect(tiles).to_have_count(2)
    expect(items).to_have_count(1)
    for job in (done, other):
        assert site.atelier.result(job["id"])[0].is_file()


def test_photo_and_result_are_compared(page, site):
    site.painted()
    page.click("#history button")
    photo, wipe = page.locator("#photo"), page.locator("#wipe")
    expect(photo).to_be_hidden()
    page.click("[data-action=compare]")
    expect(photo).to_be_visible()
    expect(wipe).to_be_focused()
    page.wait_for_function("() => document.getElementById('photo').naturalWidth > 0")
    half = page.evaluate("getComputedStyle(document.getElementById('photo')).clipPath")
    page.keyboard.press("ArrowRight")
    expect(wipe).to_have_attribute("aria-valuetext", "51 % photo")
    box = page.locator("#easel").bounding_box()
    page.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2)
    assert 78 <= int(wipe.input_value()) <= 82
    after = page.evaluate("getComputedStyle(document.getElementById('photo')).clipPath")
    assert half != after
    page.keyboard.press("c")
    expect(photo).to_be_hidden()
    page.keyboard.down("p")
    expect(photo).to_be_visible()
    page.keyboard.up("p")
    expect(photo).to_be_hidden()
    page.mouse.down()
    expect(photo).to_be_visible()
    page.mouse.up()
    expect(photo).to_be_hidden()


def stroke(page, start, end):
    """Drags over the sheet, from one place to another in parts of its sides."""
    box = page.locator(".sheet").bounding_box()
    at = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"])
        for x, y in (start, end)
    ]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()


def marked(site, identifier):
    """Where an uploaded mask is white, and its shape."""
    path = site.atelier.upload_picture(identifier, 1024).bytes
    return files.read(path)[..., 0] > 0.5


def test_masks_are_painted(page, site):
    filled(page, steps=30)
    page.click("#masks")
    stroke(page, (0.1, 0.5), (0.4, 0.5))
    page.click("#brush-done")
    expect(page.locator("#masks")).to_have_text("Masks: edit")
    page.click("#paint")
    reads(page, "#state", "^30 steps")
    (job,) = site.jobs()
    kept = marked(site, job["keep_mask"])
    assert kept.shape == (300, 451)
    assert kept[150, 112]
    assert not kept[150, 300]
    # There it is the photo, elsewhere it isn't.
    result = files.read(site.atelier.result(job["id"])[0])
    photo = files.read(examples.found()["photo-cat"], size=(43, 64))
    apart = np.abs(result - photo).mean(-1)
    assert apart[21, 10:22].max() < 0.003
    assert apart[10:33, 40:].mean() > 0.01


def test_each_painting_has_its_place_by_keys_too(page, site):
    site.atelier.submit(LONG)
    filled(page)
    dropped(page, "#painting-zone", ("second.png", png(40, 40)))
    expect(page.locator("#strip .tile")).to_have_count(2)
    page.locator("#masks").press("Enter")
    page.locator("#brush-layers label").nth(1).locator("input").press("Space")
    sheet = page.locator(".sheet")
    sheet.press("Space")
    for _ in range(3):
        sheet.press("ArrowRight")
    sheet.press("Control+z")
    sheet.press("ArrowUp")
    sheet.press("Space")
    page.locator("#brush-done").press("Enter")
    expect(page.locator("#strip .badge")).to_have_count(2)
    page.click("#paint")
    until(lambda: len(site.jobs()) == 2)
    one, other = (marked(site, mask) for mask in site.jobs()[1]["masks"])
    assert 0 < one.mean() < 0.2
    assert (one ^ other).mean() > 0.99  # The other painting has the rest.


def test_by_keys_alone(page, site):
    def tab_to(selector):
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        raise AssertionError(f"{selector} is never reached")

    tab_to("#photo-examples button")
    page.keyboard.press("Enter")
    page.locator("#photo-zone .invite, .shot").focus()
    tab_to("#painting-examples button")
    page.keyboard.press("Enter")
    tab_to("#cards input")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.is_checked("#cards input[value=classic]")
    for name, text in (("size", "64"), ("steps", "10000")):
        tab_to(f".slider:has(#slider-{name}) .exact")
        page.keyboard.press("Control+a")
        page.keyboard.type(text)
    page.keyboard.press("Control+Enter")
    reads(page, "#state", r"^[1-9]\d* of 10000 ")
    tab_to("[data-action=stop]")
    page.keyboard.press("Enter")
    reads(page, "#state", "^Stopped at")
    tab_to("#history button")
    page.keyboard.press("Enter")
    expect(page.locator("#history button")).to_have_attribute("aria-current", "true")
    assert "stopped" in page.locator("#live").text_content()


def test_everything_has_a_name(page, site):
    site.painted()
    filled(page)
    page.click("#all-cards")
    page.click("#more > summary")
    for group in page.locator(".group > summary").all():
        group.click()
    page.click("#history button")
    page.click("#copies summary")
    assert page.evaluate(NAMELESS) == []
    assert page.locator(".field").count() > 40  # All options are there.
    page.fill("#option-seed", "7")
    page.press("#option-seed", "Tab")
    page.click("#paint")
    until(lambda: len(site.jobs()) == 2)
    assert site.jobs()[1]["options"]["seed"] == 7


def test_a_phone(opens, site):
    site.painted()
    page = opens(site, width=390, height=844, has_touch=True, is_mobile=True)
    assert not page.evaluate(WIDER)
    filled(page)
    assert not page.evaluate(WIDER)
    box = page.locator("#paint").bounding_box()
    assert box["y"] + box["height"] <= 844  # Always at hand.
    page.tap("#history button")
    page.wait_for_function(
        "() => document.getElementById('picture').naturalWidth === 64"
    )
    picture = page.locator("#picture").bounding_box()
    assert picture["width"] == pytest.approx(390, abs=1)
    assert not page.evaluate(WIDER)
    page.tap("#fresh")
    page.tap("#masks")
    box = page.locator("#brush-done").bounding_box()
    assert 0 <= box["x"] <= 390 - box["width"]


def test_light_and_dark(opens, site):
    page = opens(site, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    switch = page.locator("#theme")
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light
    expect(switch).to_have_attribute("aria-pressed", "false")


def test_nobody_fetches_pictures_for_a_hidden_tab(page, site):
    hide = "state => Object.defineProperty(document, 'hidden', {value: state, "
    hide += (
        "configurable: true}) && document.dispatchEvent(new Event('visibilitychange'))"
    )
    job = site.atelier.submit(LONG)
    reads(page, "#state", r"^[1-9]\d* of 10000 ") if page.is_visible("#state") else None
    page.click(f"[data-key='pick {job['id']}']")
    reads(page, "#state", r"^[1-9]\d* of 10000 ")
    page.evaluate(hide, True)
    page.wait_for_timeout(300)  # What was on its way has come.
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    now = site.atelier.job(job["id"])["version"]
    until(lambda: site.atelier.job(job["id"])["version"] > now + 1)
    assert not [url for url in asked if "/picture" in url]
    page.evaluate(hide, False)
    with page.expect_request(re.compile("/picture")):
        pass


def test_a_page_that_is_left_and_come_back_to(page, site):
    """As with the browser's cache of pages, which Playwright has switched off."""
    turn = "kind => dispatchEvent(new PageTransitionEvent(kind, {persisted: true}))"
    for steps in (12, 13):  # Not only the first time.
        page.evaluate(turn, "pagehide")
        options = {**QUICK["options"], "steps": steps}
        site.painted({**QUICK, "options": options})
        with page.expect_request("**/api/events"):
            page.evaluate(turn, "pageshow")
        expect(page.locator("#history li")).to_have_count(steps - 11)


def test_a_server_that_goes_and_comes_back(opens, tmp_path, hands):
    opens.allowed.append("ERR_")
    with serving(tmp_path / "atelier", hands) as site:
        site.painted()
        page = opens(site)
        expect(page.locator("#history li")).to_have_count(1)
        lost = page.locator("#lost")
        expect(lost).to_be_hidden()
        port = int(site.origin.rpartition(":")[2])
    expect(lost).to_be_visible()
    expect(lost).to_contain_text("Trying again")
    with serving(tmp_path / "atelier", hands, port) as site:
        expect(lost).to_be_hidden()
        expect(page.locator("#history li")).to_have_count(1)  # It survived.
        page.goto("about:blank")


def test_a_link_on_another_site_leads_in(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(20_000)
    link = f'<a href="{site.address}">Open</a>'
    page.route(
        "http://mail.example/",
        lambda asked: asked.fulfill(body=link, content_type="text/html"),
    )
    page.goto("http://mail.example/")
    page.click("a")
    page.wait_for_selector("#cards label")
    assert page.url == f"{site.origin}/"  # The token is not in the history.
    page.go_back()
    assert page.url == "http://mail.example/"
    context.close()
