"""Step 3: a chat. Who connects joins a Group, and what anybody says goes to all of it."""

from channels import Group


# Connected to websocket.connect
def ws_add(message):
    # Accept the connection
    message.reply_channel.send({"accept": True})
    # Add to the chat group
    Group("step3-chat").add(message.reply_channel)


# Connected to websocket.receive
def ws_message(message):
    Group("step3-chat").send(
        {
            "text": "[user] %s" % message.content["text"],
        }
    )


# Connected to websocket.disconnect
def ws_disconnect(message):
    Group("step3-chat").discard(message.reply_channel)
