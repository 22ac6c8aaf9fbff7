"""Static files through the split."""

import pytest

from channels.message import pending_message_store
from channels.staticfiles import StaticFilesConsumer, StaticFilesHandler
from tests.channels.http_messages import join, make_request


@pytest.fixture
def handler(settings, tmp_path):
    (tmp_path / "site.css").write_text("body { color: teal }")
    (tmp_path / "large.bin").write_bytes(b"z" * 300_000)
    settings.ROOT_URLCONF = "tests.channels.views"
    settings.STATICFILES_DIRS = [str(tmp_path)]
    return StaticFilesHandler()


def get(handler, layer, path, **kwargs):
    return join(handler(make_request(layer, path, **kwargs)))


def test_a_static_file_is_served(handler, layer):
    status, headers, content = get(handler, layer, "/static/site.css")
    assert (status, content) == (200, b"body { color: teal }")
    assert headers[b"Content-Type"].startswith(b"text/css")


def test_everything_else_is_left_to_the_views(handler, layer):
    assert get(handler, layer, "/")[2] == b"Hello, world"


@pytest.mark.parametrize("debug", [True, False])
def test_a_file_that_is_not_there_gets_404(handler, layer, settings, debug):
    settings.DEBUG = debug
    assert get(handler, layer, "/static/nowhere.css")[0] == 404


def test_nothing_outside_of_the_static_folders_is_served(handler, layer):
    assert get(handler, layer, "/static/../../etc/passwd")[0] == 400


def test_a_file_that_has_not_changed_is_not_sent_again(handler, layer):
    modified = get(handler, layer, "/static/site.css")[1][b"Last-Modified"]
    headers = [(b"if-modified-since", modified)]
    assert get(handler, layer, "/static/site.css", headers=headers)[::2] == (304, b"")


def test_static_files_on_another_host_are_not_ours(handler, layer, settings):
    settings.STATIC_URL = "https://static.example.com/static/"
    assert get(StaticFilesHandler(), layer, "/static/site.css")[0] == 404


def test_the_consumer_serves_them_too(handler, layer):
    consumer = StaticFilesConsumer()
    pending_message_store.prepare()
    consumer(make_request(layer, "/static/large.bin"))
    assert pending_message_store.take() == []
    replies = []
    while (reply := layer.receive(["http.response.Server!"])[1]) is not None:
        replies.append(reply)
    assert join(replies)[2] == b"z" * 300_000
