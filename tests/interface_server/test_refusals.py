"""What the operator reads of clients that are turned away."""

from interface_server.refusals import RefusalLog
from tests.interface_server.fakes import Site, full, in_loop


def test_many_refusals_are_few_lines_and_none_is_forgotten(caplog):
    now = [0.0]
    log = RefusalLog(lambda: now[0])
    for number in range(1000):
        now[0] = number / 100
        log.note("http.request", full("http.request"), "503")
    assert len(caplog.messages) == 2
    assert "'http.request' is full (100 of 100 waiting)" in caplog.messages[0]
    assert "503" in caplog.messages[0]
    assert "499 more" in caplog.messages[1]


def test_each_channel_has_its_own_lines(caplog):
    log = RefusalLog(lambda: 0.0)
    for channel in ("http.request", "websocket.connect", "http.request"):
        log.note(channel, full(channel), "503")
    assert len(caplog.messages) == 2


@in_loop
async def test_full_channels_are_told_to_the_operator(caplog):
    site = await Site().start()
    for channel in ("http.request", "websocket.connect"):
        site.link.refuse[channel] = full(channel)
    await site.request().finish()
    await site.socket().finish()
    assert [message.split()[1] for message in caplog.messages] == [
        "'http.request'",
        "'websocket.connect'",
    ]
