"""The page in Chromium: a picture from its being dropped to its being downloaded."""

import re

import pytest
from playwright.sync_api import expect
from support.ateliers import png
from support.browsing import LONG, QUICK, dropped, filled, reads, sized, until

from nst_jax.images import files

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=window.ran=1>.png"


def test_from_drop_to_download(page, site):
    dropped(page, "#photo-zone", (HOSTILE, png(48, 64)))
    expect(page.locator("#photo-zone .name")).to_have_text(HOSTILE)
    dropped(page, "#painting-zone", ("a.png", png(40, 40)), (HOSTILE, png(32, 40)))
    expect(page.locator("#strip .tile")).to_have_count(2)
    page.locator("#strip .share input").first.press("ArrowRight")
    assert page.locator("#strip .share span").all_text_contents() == ["52 %", "48 %"]
    page.check("#cards input[value=classic]", force=True)
    sized(page, "size", 64)
    sized(page, "steps", 12)
    page.click("#paint")
    reads(page, "#state", r"^12 steps · .* · 64 . 48 · loss ")
    (job,) = site.jobs()
    assert job["preset"] == "classic"
    assert job["options"] == {"size": 64, "steps": 12}
    assert job["shares"] == pytest.approx([1.1, 1])
    title = page.locator("#title")
    expect(title).to_contain_text("<img src=x onerror=window.ran=1>")
    expect(page.locator("#history img")).to_have_count(1)
    label = re.compile("^Loss, from .* at iteration 12$")
    expect(page.locator("#curve svg")).to_have_attribute("aria-label", label)
    page.wait_for_function(
        "() => document.getElementById('picture').naturalWidth === 64"
    )
    with page.expect_download() as download:
        page.click("[data-action=download]")
    saved = download.value.path()
    assert download.value.suggested_filename.endswith(".png")
    assert files.shape(saved) == (48, 64)
    assert files.read_description(saved)["options"]["steps"] == 12
    assert page.evaluate("window.ran") is None


def test_a_stopped_run_keeps_its_picture_and_goes_on(page, site):
    filled(page, steps=10_000)
    page.click("#paint")
    reads(page, "#state", r"^[1-9]\d* of 10000 ")
    page.wait_for_function(
        "() => document.getElementById('picture').src.includes('?v=')"
    )
    page.click("[data-action=stop]")
    reads(page, "#state", r"^Stopped at \d+ of 10000 · 64 . 43")
    stopped = site.jobs()[0]["iteration"]
    with page.expect_download() as download:
        page.click("[data-action=download]")
    assert files.shape(download.value.path()) == (43, 64)
    page.click("[data-action=go_on]")
    reads(page, "#state", rf"^{stopped + 100} steps")
    page.click("[data-action=discard]")
    expect(page.locator("[data-action=discard]")).to_have_text("Remove: sure?")
    page.click("[data-action=discard]")
    until(lambda: stopped + 100 not in [job["iteration"] for job in site.jobs()])


def test_what_runs_can_be_discarded(page, site):
    filled(page, steps=10_000)
    page.click("#paint")
    reads(page, "#state", r"^[1-9]\d* of 10000 ")
    page.click("[data-action=discard]")
    page.click("[data-action=discard]")
    until(lambda: not site.jobs())
    expect(page.locator("#about")).to_be_hidden()
    expect(page.locator("#history li")).to_have_count(0)


def test_in_one_pass(page, site):
    page.click("#photo-examples li:first-child button")
    page.check("[name=kind][value=apply]", force=True)
    page.check("#cards input[value=glass]", force=True)
    expect(page.locator("#paintings")).to_be_hidden()
    sized(page, "size", 64)
    page.click("#paint")
    reads(page, "#state", "^In one pass · .* · 64 . 43")
    (job,) = site.jobs()
    assert (job["kind"], job["network"]) == ("apply", "glass")
    page.check("[name=kind][value=optimise]", force=True)
    path, name = site.atelier.result(job["id"])
    dropped(page, "#photo-zone", (name, path.read_bytes()))
    expect(page.locator("#restored")).to_contain_text("are set")
    assert page.is_checked("[name=kind][value=apply]")
    assert page.is_checked("#cards input[value=glass]")
    assert page.input_value(".slider:has(#slider-size) .exact") == "64"


def test_settings_come_back_from_a_result(page, site):
    job = site.painted({**QUICK, "options": {**QUICK["options"], "style_weight": 77}})
    path, name = site.atelier.result(job["id"])
    dropped(page, "#photo-zone", (name, path.read_bytes()))
    expect(page.locator("#restored")).to_contain_text("are set")
    assert page.input_value(".slider:has(#slider-style_weight) .exact") == "77"
    assert page.input_value(".slider:has(#slider-steps) .exact") == "12"
    assert page.is_checked("#cards input[value=classic]")
    page.click("#restored button")
    assert page.input_value(".slider:has(#slider-steps) .exact") == "200"
    assert page.is_checked("#cards input[value='']")


def test_shares_and_one_pass_come_back_from_results(page, site):
    """The server tells of both: what it answers to an upload is written here."""
    told = {}

    def answer(route):
        found = route.fetch()
        route.fulfill(response=found, json={**found.json(), "settings": told})

    page.route("**/api/uploads?**", answer)
    site.atelier.submit(LONG)
    for place in (1, 2):
        dropped(page, "#painting-zone", (f"{place}.png", png(32, 32)))
        expect(page.locator("#strip .tile")).to_have_count(place)
    shares = page.locator("#strip .share span")
    told |= {"kind": "optimise", "preset": None, "network": None, "shares": [6, 2]}
    told["options"] = {"style_blend": [6, 2], "steps": 12, "size": 64}
    dropped(page, "#photo-zone", ("mixed.png", png(48, 64)))
    expect(page.locator("#restored")).to_contain_text("are set")
    assert shares.all_text_contents() == ["75 %", "25 %"]
    with page.expect_request("**/api/jobs") as sent:
        page.click("#paint")
    asked = sent.value.post_data_json
    assert asked["options"] == {"steps": 12, "size": 64}
    assert asked["shares"] == [3, 1]
    until(lambda: len(site.jobs()) == 2)
    told |= {"shares": [1, 2, 3]}  # There are two.
    dropped(page, "#photo-zone", ("three.png", png(48, 64)))
    expect(page.locator("#restored")).to_contain_text("three.png are set")
    assert shares.all_text_contents() == ["75 %", "25 %"]
    told |= {"kind": "apply", "network": "glass", "shares": []}
    told["options"] = {"size": 64, "strength": 0.5}
    dropped(page, "#photo-zone", ("glass.png", png(48, 64)))
    expect(page.locator("#restored")).to_contain_text("glass.png are set")
    assert page.is_checked("[name=kind][value=apply]")
    assert page.is_checked("#cards input[value=glass]")
    assert page.input_value(".slider:has(#slider-strength) .exact") == "0.5"
    told["network"] = "gone"
    dropped(page, "#photo-zone", ("gone.png", png(48, 64)))
    expect(page.locator("#restored")).to_contain_text(re.compile("isn.t here"))
    assert page.is_checked("#cards input[value=glass]")


def test_what_a_preset_sets_is_emptied(page, site):
    site.atelier.submit(LONG)
    filled(page)
    page.click("#all-cards")
    page.check("#cards input[value=crowsonkb]", force=True)
    page.click("#more > summary")
    for group in page.locator(".group > summary").all():
        group.click()
    field = page.locator("#option-learning_rate")
    expect(field).to_have_value("0.02")
    field.fill("")
    field.press("Tab")
    expect(field).to_have_value("")
    expect(page.locator(".field.changed")).to_have_count(1)
    page.click("#paint")
    until(lambda: len(site.jobs()) == 2)
    assert site.jobs()[1]["options"]["learning_rate"] is None


def test_same_again_and_as_start(page, site):
    job = site.painted()
    page.click("#history button")
    page.click("[data-action=again]")
    expect(page.locator("#photo-zone .name")).to_have_text("cat.jpg")
    page.keyboard.press("Enter")  # The button has the focus.
    until(lambda: len(site.jobs()) == 2)
    page.click(f"#history [data-key='{job['id']}']")
    page.click("[data-action=start]")
    page.click("#paint")
    until(lambda: len(site.jobs()) == 3)
    again, started = site.jobs()[1:]
    for name in ("photo", "paintings", "preset", "options"):
        assert again[name] == started[name] == job[name]
    assert (again["start"], started["start"]) == (None, job["id"])
    reads(page, "#state", "^12 steps")
    page.click("[data-action=again]")
    expect(page.locator("#photo-zone")).to_contain_text(f"from {job['title']}")
    page.click("#paint")
    until(lambda: len(site.jobs()) == 4)
    assert site.jobs()[3]["start"] == job["id"]


def test_a_command_and_python_are_copied(opens, site):
    site.painted()
    page = opens(site, permissions=["clipboard-read", "clipboard-write"])
    page.click("#history button")
    for action, said, begins in (
        ("command", "The command is copied", "nst-jax stylize "),
        ("python", "The Python code is copied", "import "),
    ):
        page.click("#copies summary")
        page.click(f"[data-action={action}]")
        expect(page.locator("#state")).to_contain_text(said)
        text = page.evaluate("navigator.clipboard.readText()")
        assert text.startswith(begins), text
        assert "cat.jpg" in text


def test_a_long_run_is_there_after_a_reload_and_in_another_tab(opens, site):
    site.atelier.submit(LONG)
    first = opens(site)
    reads(first, "#state", r"^[1-9]\d* of 10000 ")  # What runs is shown.
    first.reload()
    reads(first, "#state", r"^[1-9]\d* of 10000 ")
    second = opens(site, context=first.context)
    reads(second, "#state", r"^[1-9]\d* of 10000 ")
    assert first.title().endswith("% · nst_jax")
    second.click("[data-action=stop]")
    for tab in (first, second):
        reads(tab, "#state", "^Stopped at ")
        expect(tab.locator("#history li")).to_have_count(1)


def test_the_form_survives_a_reload(page):
    filled(page, size=96, steps=40)
    page.reload()
    expect(page.locator("#photo-zone .name")).to_have_text("cat.jpg")
    expect(page.locator("#strip .tile")).to_have_count(1)
    assert page.input_value(".slider:has(#slider-size) .exact") == "96"
    assert page.input_value(".slider:has(#slider-steps) .exact") == "40"
    assert page.is_checked("#cards input[value=classic]")


def test_what_is_refused_is_said(opens, site):
    opens.allowed.append("status of 400 (Bad Request) " + site.origin + "/api/uploads")
    page = opens(site)
    dropped(page, "#photo-zone", ("no.png", b"no picture at all"))
    expect(page.locator("#photo-zone .fault")).to_contain_text("no.png")
    expect(page.locator("#photo-zone .invite")).to_be_visible()


def test_of_a_network_of_several_styles_one_is_chosen(opens, site):
    # The server has none of that name.
    opens.allowed.append("status of 400 (Bad Request) " + site.origin + "/api/jobs")
    page = opens(site)

    def with_another(route):
        told = route.fetch().json()
        several = {"name": "several", "title": "several", "text": "", "picture": None}
        told["networks"].append(several | {"takes": "index", "styles": ["a", "b"]})
        route.fulfill(json=told)

    page.route("**/api/catalogue", with_another)
    page.reload()
    page.click("#photo-examples li:first-child button")
    page.check("[name=kind][value=apply]", force=True)
    page.press("#cards input[value=several]", "Space")
    asked = []
    for style in (None, "b"):
        if style:
            page.select_option("#style-of-network", style)
        with page.expect_request("**/api/jobs") as sent:
            page.click("#paint")
        asked.append(sent.value.post_data_json)
        expect(page.locator("#fault")).to_contain_text("several")
    assert [one["options"] for one in asked] == [{"style": "a"}, {"style": "b"}]
    assert {one["network"] for one in asked} == {"several"}
