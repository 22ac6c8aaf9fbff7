"""A message sees nothing of what the one before it has activated."""

import timeit

import pytest
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from channels.routing import route
from tests.worker.test_loop import receive
from worker.clean import CleanSlate


def read_thread():
    return {
        "language": translation.get_language(),
        "zone": timezone.get_current_timezone_name(),
        "urlconf": get_urlconf(),
        "prefix": get_script_prefix(),
    }


def activate_all():
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    set_urlconf("tests.elsewhere")
    set_script_prefix("/site/")


def test_what_a_consumer_activates_is_gone_for_the_next_person(run_worker):
    def consume(message):
        message.reply_channel.send(read_thread())
        activate_all()

    layer = run_worker([route("in", consume)])
    seen = []
    for _ in range(3):
        layer.send("in", {"reply_channel": "out"})
        seen.append(receive(layer, "out"))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0]["zone"] != "Asia/Tokyo"


@pytest.mark.parametrize(
    "activate",
    [
        lambda: translation.activate("de"),
        lambda: timezone.activate("Asia/Tokyo"),
        lambda: set_urlconf("tests.elsewhere"),
        lambda: set_script_prefix("/site/"),
    ],
)
def test_each_of_them_is_undone_by_itself_and_again(activate):
    slate, before = CleanSlate(), read_thread()
    for _ in range(2):
        activate()
        assert read_thread() != before
        slate.wipe()
        assert read_thread() == before


def test_a_message_that_activates_nothing_pays_next_to_nothing():
    slate = CleanSlate()
    assert min(timeit.repeat(slate.wipe, number=1000, repeat=5)) < 0.01  # 10 microseconds each


def test_a_request_sets_its_own_urlconf_and_prefix_and_gets_a_clean_language():
    slate, before = CleanSlate(), read_thread()
    activate_all()
    slate.wipe(for_view=True)
    assert read_thread() == before
    set_script_prefix("/site/")
    slate.wipe(for_view=True)
    assert get_script_prefix() == "/site/"
    slate.wipe()
    assert read_thread() == before
