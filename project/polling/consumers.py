"""Requests that wait. None of them holds a worker: what waits is a name in a Group."""

from urllib.parse import parse_qs

from django.http import JsonResponse

from channels import Channel, Group
from channels.handler import AsgiHandler
from project.polling.models import Ring

#: Rings in one answer: a client that was just between two polls has not missed any.
AT_ONCE = 5


# Connected to http.request, for GET /poll/ and GET /poll/?after=17
def poll(message):
    # First joined, then looked: a ring in between is either seen here, or sees us.
    Group("poll").add(message.reply_channel)
    after = parse_qs(message["query_string"]).get("after", [""])[0]
    rings = Ring.latest(AT_ONCE, after=int(after)) if is_id(after) else []
    if rings:
        answer(message.reply_channel, rings)


# Connected to bell
def ring(message):
    Ring.objects.create(text=message["text"])
    Ring.forget_old()
    rings = Ring.latest(AT_ONCE)
    for name in Group("poll").channels():
        answer(Channel(name), rings)


# Connected to http.disconnect
def forget(message):
    Group("poll").discard(message.reply_channel)


def answer(reply_channel, rings):
    response = JsonResponse({"rings": [one.as_dict() for one in rings]})
    for chunk in AsgiHandler.encode_response(response):
        reply_channel.send(chunk)
    Group("poll").discard(reply_channel)


def is_id(text):
    """Whether `text` can be the id of a row, or the 0 before the first."""
    return text.isascii() and text.isdigit() and len(text) < 19
