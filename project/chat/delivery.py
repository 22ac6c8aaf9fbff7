"""What goes out to the sockets in a room. Consumers, views and the shell all send through here."""

import json
import uuid

from channels import Group
from project.chat.models import Message, Presence


def broadcast(room, event):
    """Send `event`, a dict, to everybody in `room`."""
    Group(room.group_name).send({"text": json.dumps(event)})


def say(room, author, text, *, key="", is_announcement=False):
    """Save a message and broadcast it; return it. With a known `key` it is not saved again."""
    message, _ = Message.objects.get_or_create(
        author=author,
        key=key or uuid.uuid4().hex,
        defaults={"room": room, "text": text, "is_announcement": is_announcement},
    )
    broadcast(message.room, message.as_dict())
    return message


def people_in(room):
    """Return the names of those in `room`, sorted.

    A socket whose server has died is no longer in the Group: its record goes here.
    """
    alive = set(Group(room.group_name).channels())
    names, dead = set(), []
    for presence in Presence.objects.filter(room=room).select_related("user"):
        if presence.reply_channel in alive:
            names.add(presence.user.get_username())
        else:
            dead.append(presence.pk)
    Presence.objects.filter(pk__in=dead).delete()
    return sorted(names, key=str.casefold)


def announce_people(room):
    """Tell everybody in `room` who is there."""
    broadcast(room, {"type": "people", "people": people_in(room)})
