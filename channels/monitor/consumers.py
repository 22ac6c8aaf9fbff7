"""The live page's own WebSocket: the page asks, a worker answers with what there is now.

The page asks once a second while somebody looks at it, so that a page in the background, or a slow
network, costs nothing.
"""

from __future__ import annotations

import json

from channels.auth import channel_session_user, channel_session_user_from_http
from channels.exceptions import LayerUnavailable
from channels.message import Message
from channels.monitor.access import may_view
from channels.monitor.reading import status_reader

#: Sent to a socket whose user may not, or no longer, see the page.
CLOSE_FORBIDDEN = 4403


@channel_session_user_from_http
def connect(message: Message) -> None:
    """Let those in who may see the page."""
    message.reply_channel.send({"accept": True} if may_view(message.user) else {"close": True})


@channel_session_user
def receive(message: Message) -> None:
    """Answer with the present Snapshot as JSON, or with `{"error": …}`."""
    if not may_view(message.user):
        message.reply_channel.send({"close": CLOSE_FORBIDDEN})
        return
    message.reply_channel.send({"text": json.dumps(read_or_explain())})


def read_or_explain() -> dict[str, object]:
    """Return the Snapshot, or an error in its place."""
    try:
        return dict(status_reader.read())
    except LayerUnavailable as error:
        return {"error": str(error)}
    except NotImplementedError as error:
        return {"error": str(error)}
