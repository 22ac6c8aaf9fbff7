"""Channels that ASGI_APPLICATION names in its ChannelNameRouter, on workers of the split."""


def test_any_worker_takes_them(site, open_json):
    server = site.start_server()
    site.start_worker()
    assert open_json(server, "/asking/").ask([1, 2, 3]) == 6


def test_they_are_sharded_as_all_channels_are(site, open_json):
    server = site.start_server()
    site.start_worker("--exclude-channels=sums")
    socket = open_json(server, "/asking/")
    socket.raw.send("[4, 5]")
    shard = site.start_worker("--only-channels=sums")
    assert socket.next() == 9
    assert "sums" in shard.log


def test_a_consumer_that_fails_is_logged_and_the_next_message_runs(site, open_json):
    server = site.start_server()
    worker = site.start_worker()
    socket = open_json(server, "/asking/")
    socket.raw.send('["fail"]')
    assert socket.ask([7]) == 7
    assert "failed on a message from sums" in worker.log
    assert "RuntimeError: these can't be added" in worker.log
