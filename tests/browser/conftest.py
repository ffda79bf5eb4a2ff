"""What the tests of the page share: a browser, a server, and what no page may do.

The ordinary run leaves this folder out; `bash scripts/test.sh -m browser tests/browser`
runs it, and fails where there is no Chromium.
"""

import re

import pytest
from playwright.sync_api import expect, sync_playwright
from support.browsing import SECONDS, chromium, serving

from nst_jax.web.one_pass import Passes
from nst_jax.web.optimising import Optimiser
from nst_jax.web.painter import Hands


def pytest_configure(config):
    try:
        chromium()
    except FileNotFoundError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.fixture(scope="session")
def browser():
    path = chromium()
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def hands(tiny_network):
    """What paints: all of the real thing but for the weights."""
    made = Hands(Optimiser(lambda options, report: tiny_network), Passes(), Passes())
    return lambda: made


@pytest.fixture(scope="session")
def running(tmp_path_factory, hands):
    with serving(tmp_path_factory.mktemp("serve") / "atelier", hands) as site:
        yield site


@pytest.fixture
def site(running):
    """The server, without jobs."""
    running.clear()
    yield running
    running.clear()


@pytest.fixture
def opens(browser, site):
    """Opens tabs of a site; none may fail, complain, or ask another server.

    They are closed before the site's jobs go. What Chromium says by itself of a refusal
    a test allows by `opens.allowed`: it may come later than what the page says.
    """
    contexts, wrong, allowed = [], [], []

    def tab(site, *, context=None, width=1280, height=800, **how):
        if context is None:
            viewport = {"width": width, "height": height}
            context = browser.new_context(viewport=viewport, **how)
            context.set_default_timeout(SECONDS * 1000)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: _noted(line, site, wrong))
        page.on("request", lambda asked: _checked(asked.url, site, wrong))
        page.goto(site.address)
        page.wait_for_selector("#cards label")
        page.wait_for_selector("#photo-examples img")
        return page

    tab.allowed = allowed
    yield tab
    for context in contexts:
        context.close()
    assert not [line for line in wrong if not any(one in line for one in allowed)]


def _noted(line, site, wrong):
    asked = re.search("/api/jobs/([0-9a-f]+)/", line.location["url"])
    known = [job["id"] for job in site.jobs()]
    if asked and asked[1] not in known and "status of 404" in line.text:
        return  # It was removed while its picture was on its way.
    if line.type in ("error", "warning"):
        wrong.append(f"{line.text} {line.location['url']}")


def _checked(url, site, wrong):
    if not url.startswith((site.origin + "/", "blob:" + site.origin, "data:")):
        wrong.append(f"asks {url}")


@pytest.fixture
def page(opens, site):
    return opens(site)
