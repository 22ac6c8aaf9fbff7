"""The live page of the admin, in a real browser over real processes."""

import pytest

from channels.layers.operations import DeadLetter
from channels.layers.redis import RedisChannelLayer
from tests.conftest import start_workers
from tests.processes import wait_until

PAGE = "/admin/channels_monitor/livepage/"


@pytest.fixture
def layer(demo):
    layer = RedisChannelLayer(hosts=[demo.env["REDIS_URL"]])
    yield layer
    layer.close()


@pytest.fixture
def page(browser, demo, log_in):
    """A browser that an admin looks at the live page with."""
    log_in(browser, "admin")
    browser.open(demo.url + PAGE)
    browser.wait_for_text("Live", within="#cm-state")
    return browser


def test_restart_of_the_workers_shows_and_closes_no_socket(page, demo):
    old = set(page.texts("#cm-workers .cm-name"))
    assert len(old) == 2
    demo.stop_workers()
    page.wait_for_text("No worker answers", within="#cm-state", limit_s=20)
    start_workers(demo)
    page.wait_for_text("Live", within="#cm-state", limit_s=20)
    wait_until(
        lambda: len(set(page.texts("#cm-workers .cm-name")) - old) == 2,
        what="the new workers to be shown",
    )
    assert page.run("return document.getElementById('cm-state').dataset.reconnects || '0'") == "0"


def test_dead_letter_is_read_and_sent_again(page, demo, layer):
    layer.send("mail", {"to": "Zoë", "n": 7})
    reader = layer.open_reader(["mail"])
    layer.apply([DeadLetter(reader.take()[1], "it asked too often")])
    reader.close()
    wait_until(lambda: page.texts("#cm-channels button") == ["1"], what="the dead letter")
    page.wait_for_text("given up", within="#cm-lost")

    page.click("#cm-channels button")
    page.wait_for_text("Zoë", within="#cm-dialog")
    page.click("#cm-dialog .cm-letter button")
    page.wait_for_text("Send this message to mail again?", within="#cm-confirm")
    page.click("#cm-confirm-yes")

    page.wait_for_text("1 dead letter was sent again to mail.", within="#cm-done")
    assert layer.receive(["mail"]) == ("mail", {"to": "Zoë", "n": 7})
    wait_until(lambda: page.texts("#cm-channels button") == [], what="the letter to go")


def test_channel_that_nobody_takes_is_flagged(page, layer):
    layer.send("nobody", {"n": 1})
    page.wait_for_text("no worker takes it", within="#cm-channels", limit_s=15)
