"""Step 4: rooms from the path, names from ?username=, kept in the socket's own session."""

import json
from urllib.parse import parse_qs

from channels import Group
from channels.sessions import channel_session


# Connected to websocket.connect
@channel_session
def ws_connect(message, room_name):
    # Accept connection
    message.reply_channel.send({"accept": True})
    # Parse the query string
    params = parse_qs(message.content["query_string"])
    if "username" in params:
        # Set the username in the session
        message.channel_session["username"] = params["username"][0]
        # Add the user to the room_name group
        Group("step4-chat-%s" % room_name).add(message.reply_channel)
    else:
        # Close the connection.
        message.reply_channel.send({"close": True})


# Connected to websocket.receive
@channel_session
def ws_message(message, room_name):
    Group("step4-chat-%s" % room_name).send(
        {
            "text": json.dumps(
                {
                    "text": message["text"],
                    "username": message.channel_session["username"],
                }
            ),
        }
    )


# Connected to websocket.disconnect
@channel_session
def ws_disconnect(message, room_name):
    Group("step4-chat-%s" % room_name).discard(message.reply_channel)
