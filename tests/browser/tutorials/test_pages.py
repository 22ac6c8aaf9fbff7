"""The landing page and what it links to."""

import html
import re

import pytest
import requests

from project.demos import CLASS_TUTORIALS, DEMOS, TUTORIALS
from project.getting_started.steps import STEPS
from tests.browser.chromium import DESKTOP, PHONE
from tests.browser.held_requests import HeldRequests
from tests.processes import wait_until

PAGES = [
    "/",
    "/source/getting-started/",
    "/getting-started/",
    *(f"/getting-started/step/{step.slug}/" for step in STEPS),
    "/liveblog/",
    "/multichat/",
    "/databinding/",
    "/thumbnails/",
    "/polling/",
    "/class-consumers/chat/",
    "/class-consumers/chat/lobby/",
    "/class-consumers/counter/",
    "/class-consumers/notices/",
    "/class-consumers/background/",
    "/class-consumers/ticker/",
    "/nowhere/",
]


def shown_code(page):
    """The code on a source page, as text."""
    blocks = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)
    return [html.unescape(re.sub(r"</?span[^>]*>", "", block)) for block in blocks]


def test_landing_page_leads_to_each_demo(browser, demo):
    browser.open(demo.url)
    titles = [one.title for one in DEMOS]
    assert browser.texts(".card h3") == titles
    for number, one in enumerate([*TUTORIALS, *CLASS_TUTORIALS]):
        browser.open(demo.url)
        browser.all(".cards .card .stretched")[number].click()
        wait_until(lambda: browser.path != "/", what=one.title)
        assert browser.texts("h1") in ([one.title], ["Log in"])


@pytest.mark.parametrize("one", DEMOS, ids=lambda one: one.slug)
def test_source_page_shows_the_files_as_they_are(demo, one):
    page = requests.get(f"{demo.url}/source/{one.slug}/", timeout=20).text
    assert shown_code(page) == [file.read_text() for file in one.sources()]


def test_source_of_no_demo_is_not_found(demo):
    assert requests.get(f"{demo.url}/source/settings/", timeout=20).status_code == 404


@pytest.mark.parametrize("path", ["/liveblog/", "/databinding/", "/thumbnails/"])
def test_page_asks_again_for_what_it_missed_until_it_is_answered(browser, visit, log_in, path):
    log_in(browser, "amy")
    latest = HeldRequests(browser, "latest/")
    visit(browser, path)
    for end in (lambda: latest.answer(503), latest.fail, latest.pass_on):
        assert latest.wait() == f"GET {path}latest/"
        end()


def test_no_page_is_wider_than_a_phone(browser, demo, log_in):
    log_in(browser, "amy")
    browser.resize(PHONE)
    widths = {}
    for path in PAGES:
        browser.open(demo.url + path)
        widths[path] = browser.run("return document.documentElement.scrollWidth")
    browser.resize(DESKTOP)
    assert widths == dict.fromkeys(PAGES, PHONE[0])
