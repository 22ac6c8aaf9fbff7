"""Routings with decorators where they can't work; one each."""

from channels.auth import channel_session_user, http_session_user
from channels.routing import route
from channels.sessions import enforce_ordering


def _consumer(message):
    pass


def _slightly_ordered():
    return enforce_ordering(_consumer, slight=True)


#: Name -> what makes the routing.
ROUTINGS = {
    "headers_on_receive": lambda: [route("websocket.receive", http_session_user(_consumer))],
    "nobody_brings_the_user": lambda: [
        route("websocket.connect", channel_session_user(_consumer)),
        route("websocket.receive", channel_session_user(_consumer)),
    ],
    "slight_ordering": lambda: [route("websocket.receive", _slightly_ordered())],
}


def __getattr__(name):
    """The routing is made when it is asked for, as `tests.faults.project.mistakes.<name>`."""
    if name not in ROUTINGS:
        raise AttributeError(name)
    return ROUTINGS[name]()
