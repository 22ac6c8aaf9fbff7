"""The readers of the live blog. What they read is sent by signals.py."""

from channels import Group


# Connected to websocket.connect
def ws_connect(message):
    # Accept the connection request
    message.reply_channel.send({"accept": True})
    # Add to reader group
    Group("liveblog").add(message.reply_channel)


# Connected to websocket.disconnect
def ws_disconnect(message):
    # Remove from reader group on clean disconnect
    Group("liveblog").discard(message.reply_channel)
