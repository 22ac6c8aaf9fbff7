"""Step 7: each frame of a socket waits until the consumer of the one before it has ended."""

from channels.sessions import channel_session, enforce_ordering


# Connected to websocket.connect
@enforce_ordering
@channel_session
def ws_connect(message):
    message.reply_channel.send({"accept": True})
    message.channel_session["said"] = []


# Connected to websocket.receive
@enforce_ordering
@channel_session
def ws_message(message):
    # Read, change, write: two workers at once would each miss the other's change.
    said = message.channel_session["said"] + [message["text"]]
    message.channel_session["said"] = said[-20:]
    message.reply_channel.send({"text": " ".join(said)})


# Connected to websocket.disconnect
@enforce_ordering
@channel_session
def ws_disconnect(message):
    pass  # it comes last, and the session ends with it
