"""Step 5: Django's users. People chat with those whose name begins with the same letter."""

from channels import Group
from channels.auth import channel_session_user, channel_session_user_from_http
from channels.security.websockets import allowed_hosts_only


def letter_group(user):
    # A user's name may begin with any letter, the name of a group has only ASCII.
    return Group("step5-chat-%s" % user.username[:1].encode("utf8").hex())


# Connected to websocket.connect
@allowed_hosts_only
@channel_session_user_from_http
def ws_add(message):
    if not message.user.is_authenticated:
        message.reply_channel.send({"accept": False})
        return
    # Accept connection
    message.reply_channel.send({"accept": True})
    # Add them to the right group
    letter_group(message.user).add(message.reply_channel)


# Connected to websocket.receive
@channel_session_user
def ws_message(message):
    letter_group(message.user).send(
        {
            "text": "%s: %s" % (message.user.username, message["text"]),
        }
    )


# Connected to websocket.disconnect
@channel_session_user
def ws_disconnect(message):
    letter_group(message.user).discard(message.reply_channel)
