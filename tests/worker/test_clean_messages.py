"""A message sees nothing of what the one before it has activated."""

import contextvars

import pytest
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import timezone, translation

from channels.routing import route
from tests.worker.test_loop import receive

#: One of a library, as those for logging have.
OWN = contextvars.ContextVar("own", default="nothing")


def read_all():
    return {
        "language": translation.get_language(),
        "zone": timezone.get_current_timezone_name(),
        "urlconf": get_urlconf(),
        "prefix": get_script_prefix(),
        "own": OWN.get(),
    }


def activate_all():
    translation.activate("de")
    timezone.activate("Asia/Tokyo")
    set_urlconf("tests.elsewhere")
    set_script_prefix("/site/")
    OWN.set("somebody")


def consume(message):
    message.reply_channel.send({"before": read_all()})
    activate_all()
    message.reply_channel.send({"after": read_all()})


async def consume_async(message):
    consume(message)


def fail(message):
    consume(message)
    raise ValueError("on purpose")


@pytest.mark.parametrize("consumer", [consume, consume_async, fail])
def test_what_a_consumer_activates_is_gone_for_the_next_person(run_worker, consumer):
    layer = run_worker([route("in", consumer)])
    seen = []
    for _ in range(3):
        layer.send("in", {"reply_channel": "out"})
        seen.append({**receive(layer, "out"), **receive(layer, "out")})
    assert seen[0] == seen[1] == seen[2]
    before, after = seen[0]["before"], seen[0]["after"]
    assert not before.items() & after.items()
    assert after["zone"] == "Asia/Tokyo"
