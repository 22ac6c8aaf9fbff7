"""Step 6: what is said goes onto a channel of our own, is saved there, and told from there."""

from channels import Channel, Group
from channels.sessions import channel_session
from project.getting_started.models import ChatMessage


# Connected to step6-messages
def msg_consumer(message):
    # Save to model
    room = message.content["room"]
    ChatMessage.objects.create(
        room=room,
        message=message.content["message"],
    )
    # Broadcast to listening sockets
    Group("step6-chat-%s" % room).send(
        {
            "text": message.content["message"],
        }
    )


# Connected to websocket.connect
@channel_session
def ws_connect(message):
    # Work out room name from path (its last part)
    room = message.content["path"].strip("/").split("/")[-1]
    # Save room in session and add us to the group
    message.channel_session["room"] = room
    Group("step6-chat-%s" % room).add(message.reply_channel)
    # Accept the connection request
    message.reply_channel.send({"accept": True})


# Connected to websocket.receive
@channel_session
def ws_message(message):
    # Stick the message onto the processing queue
    Channel("step6-messages").send(
        {
            "room": message.channel_session["room"],
            "message": message["text"][:500],
        }
    )


# Connected to websocket.disconnect
@channel_session
def ws_disconnect(message):
    Group("step6-chat-%s" % message.channel_session["room"]).discard(message.reply_channel)
