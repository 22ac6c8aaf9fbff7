"""Sockets of people who are logged in."""

from channels.auth import channel_session_user, channel_session_user_from_http
from tests.faults.project.notes import note


def _note(event, message):
    note(event, socket=str(message.reply_channel), user=message.user.get_username())


@channel_session_user_from_http
def connect(message):
    message.reply_channel.send({"accept": True})
    _note("user at connect", message)


@channel_session_user
def receive(message):
    _note("user at receive", message)
    message.reply_channel.send({"text": message.user.get_username()})


@channel_session_user
def disconnect(message):
    _note("user at disconnect", message)
