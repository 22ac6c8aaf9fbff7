"""The consumers of the chat, as the Channels 1.x documentation taught to write them."""

import json
import logging

from django.contrib.auth import get_user_model

from channels import Channel, Group
from channels.auth import channel_session_user, channel_session_user_from_http
from channels.security.websockets import allowed_hosts_only
from channels.sessions import enforce_ordering
from project.chat.delivery import announce_people, broadcast, say
from project.chat.models import MAX_TEXT, Presence, Room

logger = logging.getLogger(__name__)

#: Close codes that the page understands; it does not reconnect after these.
NOT_LOGGED_IN, NO_SUCH_ROOM = 4001, 4004


@enforce_ordering
@allowed_hosts_only
@channel_session_user_from_http
def ws_connect(message, slug):
    """Let somebody in who is logged in, and tell the others."""
    message.reply_channel.send({"accept": True})
    room = Room.objects.filter(slug=slug).first()
    if not message.user.is_authenticated or room is None:
        code = NO_SUCH_ROOM if message.user.is_authenticated else NOT_LOGGED_IN
        message.reply_channel.send({"close": code})
        return
    Group(room.group_name).add(message.reply_channel)
    Presence.objects.create(room=room, user=message.user, reply_channel=message.reply_channel.name)
    announce_people(room)


@enforce_ordering
@channel_session_user
def ws_message(message, slug):
    """Hand what was said to the background worker; tell who is typing."""
    if not message.user.is_authenticated:
        return
    try:
        event = json.loads(message["text"])
        kind, text = event["type"], str(event.get("text", "")).strip()
        key = str(event.get("key", ""))[:40]
    except (KeyError, TypeError, ValueError):
        return _complain(message, "This server speaks JSON: an object with a type.")
    if kind == "typing":
        room = Room(slug=slug)
        broadcast(room, {"type": "typing", "author": message.user.get_username()})
    elif kind == "say" and 0 < len(text) <= MAX_TEXT:
        author = message.user.pk
        Channel("chat-messages").send({"room": slug, "author": author, "text": text, "key": key})
    else:
        _complain(message, f"Not sent: a message has 1 to {MAX_TEXT} characters.")


@enforce_ordering
@channel_session_user
def ws_disconnect(message, slug):
    """Let somebody go, and tell the others."""
    room = Room.objects.filter(slug=slug).first()
    Presence.objects.filter(reply_channel=message.reply_channel.name).delete()
    if room is not None:
        Group(room.group_name).discard(message.reply_channel)
        announce_people(room)


def msg_consumer(message):
    """Save what was said, and send it to the room. Runs in the background worker."""
    room = Room.objects.filter(slug=message["room"]).first()
    author = get_user_model().objects.filter(pk=message["author"]).first()
    if room is None or author is None:
        logger.warning("a message for room %r is dropped: room or author gone", message["room"])
        return
    say(room, author, message["text"], key=message["key"])


def _complain(message, text):
    message.reply_channel.send({"text": json.dumps({"type": "error", "text": text})})
