from channels import Group
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
    message.channel_session["said"] = message.channel_session["said"] + [message["text"]]
    message.reply_channel.send({"text": " ".join(message.channel_session["said"])})

# Connected to websocket.disconnect
@enforce_ordering
@channel_session
def ws_disconnect(message):
    Group("chat").discard(message.reply_channel)
