"""Echo, ordered echo, echo with a session, group broadcast, and a background channel."""

from channels import Channel, Group
from channels.sessions import channel_session, enforce_ordering

done = {"count": 0}


def accept(message):
    """Open the socket."""
    message.reply_channel.send({"accept": True})


def echo(message):
    """Send the text back."""
    message.reply_channel.send({"text": message.content["text"]})


@enforce_ordering
def ordered_accept(message):
    """Open the socket; the first message of its order."""
    message.reply_channel.send({"accept": True})


@enforce_ordering
def ordered_echo(message):
    """Send the text back, in order."""
    message.reply_channel.send({"text": message.content["text"]})


@channel_session
def session_accept(message):
    """Open the socket and remember its room, as chat tutorials do."""
    message.channel_session["room"] = "lobby"
    message.reply_channel.send({"accept": True})


@channel_session
def session_echo(message):
    """Send the text back if the session knows the room."""
    if message.channel_session["room"] == "lobby":
        message.reply_channel.send({"text": message.content["text"]})


@channel_session
def session_count(message):
    """Send the text back and change the session each time."""
    message.channel_session["count"] = message.channel_session.get("count", 0) + 1
    message.reply_channel.send({"text": message.content["text"]})


def group_accept(message):
    """Open the socket and add it to the crowd."""
    message.reply_channel.send({"accept": True})
    Group("crowd").add(message.reply_channel)


def group_say(message):
    """Send the text to everyone in the crowd."""
    Group("crowd").send({"text": message.content["text"]})


def group_leave(message):
    """Take the socket out of the crowd."""
    Group("crowd").discard(message.reply_channel)


def noop(message):
    """Do nothing, but count; tell the count to whoever asks for it."""
    done["count"] += 1
    if "tell" in message.content:
        Channel(message.content["tell"]).send({"count": done["count"]})
