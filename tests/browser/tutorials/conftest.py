"""One demo for all tutorials, and sockets without a browser."""

import contextlib
import re

import pytest
import requests
from websockets.sync.client import connect

from tests.conftest import run_demo, start_workers

LIVE = '#state[data-state="live"]'


@pytest.fixture(scope="package")
def _demo(tmp_path_factory):
    with run_demo(tmp_path_factory.mktemp("run")) as split:
        yield split


@pytest.fixture
def second_worker(demo):
    """One more worker for pages and sockets. Afterwards the demo has its two workers again."""
    yield demo.start_worker("--only-channels=http.*", "--only-channels=websocket.*")
    demo.stop_workers()
    start_workers(demo)


@pytest.fixture
def visit(demo):
    """Open a page of the demo in a browser; return when its connection is live."""

    def visit(browser, path):
        browser.open(demo.url + path)
        browser.find(LIVE)

    return visit


@pytest.fixture
def cookies(demo):
    """Log somebody in; return the cookies, as a dict."""

    def cookies(name):
        with requests.Session() as session:
            url = f"{demo.url}/accounts/login/"
            token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', session.get(url).text)[1]
            form = {"username": name, "password": f"demo-{name}", "csrfmiddlewaretoken": token}
            assert session.post(url, form).url.endswith("/chat/")
            return session.cookies.get_dict()

    return cookies


@pytest.fixture
def open_socket(demo, cookies):
    """Open a socket as one of the demo's people, or (`name=None`) as somebody unknown."""
    with contextlib.ExitStack() as stack:

        def open_socket(path, name, *, origin=demo.url):
            headers = {}
            if name:
                pairs = cookies(name).items()
                headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in pairs)
            return stack.enter_context(
                connect(demo.ws_url + path, origin=origin, additional_headers=headers, proxy=None)
            )

        yield open_socket
