"""One socket, many rooms: first the socket itself, then the commands that come over it."""

import json

from channels import Channel
from channels.auth import channel_session_user, channel_session_user_from_http
from project.multichat.errors import ClientError, catch_client_error
from project.multichat.models import Room

#: Characters of one message.
MAX_TEXT = 500

# -- the socket ---------------------------------------------------------------------------------


# Only websocket.connect has the browser's cookie: this takes its user over to the channel session,
# where the consumers of all later messages of this socket find it.
@channel_session_user_from_http
def ws_connect(message):
    message.reply_channel.send({"accept": message.user.is_authenticated})
    message.channel_session["rooms"] = []


# Unpacks the JSON of a frame, and puts it onto a channel of its own, whose routes look at the
# command. With the reply channel it takes the socket along, and with that its session and user.
@catch_client_error
def ws_receive(message):
    try:
        payload = json.loads(message["text"])
        command = str(payload["command"])
    except (KeyError, TypeError, ValueError) as error:
        raise ClientError("NOT_A_COMMAND") from error
    Channel("chat.receive").send(
        {
            "reply_channel": message["reply_channel"],
            "command": command,
            # JSON knows greater numbers than a channel layer takes.
            "room": payload["room"] if is_id(payload.get("room")) else None,
            "message": payload["message"] if isinstance(payload.get("message"), str) else None,
        }
    )


@channel_session_user
def ws_disconnect(message):
    for room in Room.objects.filter(id__in=message.channel_session.get("rooms", [])):
        room.websocket_group.discard(message.reply_channel)
        room.send_message("", message.user, "leave")


# -- the commands -------------------------------------------------------------------------------


@channel_session_user
@catch_client_error
def chat_join(message):
    room = get_room_or_error(message)
    joined = message.channel_session["rooms"]
    if room.id not in joined:
        message.channel_session["rooms"] = [*joined, room.id]
        room.send_message("", message.user, "enter")
        room.websocket_group.add(message.reply_channel)
    # The page opens the room when it hears this, so that the server could also open it by itself.
    message.reply_channel.send({"text": json.dumps({"join": room.id, "title": room.title})})


@channel_session_user
@catch_client_error
def chat_leave(message):
    room = get_room_or_error(message, joined=True)
    joined = message.channel_session["rooms"]
    message.channel_session["rooms"] = [one for one in joined if one != room.id]
    room.websocket_group.discard(message.reply_channel)
    room.send_message("", message.user, "leave")
    message.reply_channel.send({"text": json.dumps({"leave": room.id})})


@channel_session_user
@catch_client_error
def chat_send(message):
    room = get_room_or_error(message, joined=True)
    text = (message["message"] or "").strip()
    if not 0 < len(text) <= MAX_TEXT:
        raise ClientError("MESSAGE_EMPTY_OR_TOO_LONG")
    room.send_message(text, message.user)


# No other route took it.
@catch_client_error
def chat_unknown(message):
    raise ClientError("UNKNOWN_COMMAND")


def get_room_or_error(message, joined=False):
    """Return the room that a command is about, if its user may be there, and (`joined`) is.

    Raises ClientError.
    """
    room = Room.objects.filter(id=message["room"]).first()
    if room is None:
        raise ClientError("NO_SUCH_ROOM")
    if room.staff_only and not message.user.is_staff:
        raise ClientError("ROOM_ACCESS_DENIED")
    if joined and room.id not in message.channel_session.get("rooms", []):
        raise ClientError("NOT_IN_THE_ROOM")
    return room


def is_id(value):
    """Whether `value` can be the id of a row."""
    return type(value) is int and 0 < value < 2**63
