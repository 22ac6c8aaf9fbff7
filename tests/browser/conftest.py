"""Browsers, and people who log in with them."""

import pytest

from tests.browser.chromium import Browser, find_chromium
from tests.conftest import give_up


@pytest.fixture(scope="session")
def _browsers():
    opened = []
    yield opened
    for browser in opened:
        browser.quit()


@pytest.fixture
def browsers(_browsers):
    """Two browsers, each with cookies of its own. A script that throws fails the test."""
    paths = find_chromium()
    if paths is None:
        give_up("no Chromium: install chromium and chromedriver (Debian: chromium-driver)")
    while len(_browsers) < 2:
        _browsers.append(Browser(paths))
    yield _browsers
    errors = [error for browser in _browsers for error in browser.script_errors()]
    for browser in _browsers:
        browser.forget()
    assert errors == []


@pytest.fixture
def browser(browsers):
    """One of the two browsers."""
    return browsers[0]


@pytest.fixture
def log_in(demo):
    """Log a browser in as one of the demo's people."""

    def log_in(browser, name):
        browser.open(f"{demo.url}/accounts/login/?next=/chat/")
        browser.fill(username=name, password=f"demo-{name}")
        browser.click("main button")
        browser.wait_for_text("Rooms", within="h1")

    return log_in
