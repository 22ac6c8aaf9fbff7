"""The steps of `channel_session`, which those of `enforce_ordering` and others go through too."""

from __future__ import annotations

from django.contrib.sessions.backends.base import SessionBase

from channels.consuming.decorators import Call, Steps, StepsFunction, run_consumer
from channels.consuming.session_stores import (
    EngineSession,
    TrackedSession,
    session_for_reply_channel,
)
from channels.exceptions import ConsumeLater
from channels.message import Message


def channel_session_steps(call: Call, inner: StepsFunction = run_consumer) -> Steps:
    """The steps of `channel_session`."""
    message = call.message
    if not hasattr(message, "channel_session"):
        call.require_reply_channel()
    is_outermost = _attach_session(message)
    if call.is_async:
        yield message.channel_session.keys  # loads it: an event loop can't wait for that later
    will_retry = False
    try:
        yield from inner(call)
    except ConsumeLater:
        will_retry = True
        raise
    finally:
        yield from _keep_changes(message.channel_session)
        if is_outermost and not will_retry and _outlives_socket(message):
            yield message.channel_session.delete


def _attach_session(message: Message) -> bool:
    """Give the message its `channel_session`; return False if it has one already."""
    if hasattr(message, "channel_session"):
        return False
    # The reply channel knows its layer even if a message made in a test names none.
    reply_channel = message.reply_channel
    message.channel_session = session_for_reply_channel(
        reply_channel.name, reply_channel.channel_layer
    )
    return True


def _keep_changes(session: SessionBase) -> Steps:
    """Steps: save what changed, if anything did, with what the consumer leaves."""
    if isinstance(session, TrackedSession):
        if not session.leave_changes():
            yield session.save
    elif getattr(session, "modified", False):  # one that the caller has put there
        yield session.save


def _outlives_socket(message: Message) -> bool:
    """Whether the last message of the socket has been consumed, and the session stays behind."""
    if not isinstance(message.channel_session, EngineSession):
        return False
    return message.channel.name == "websocket.disconnect" and not message.was_left_out
