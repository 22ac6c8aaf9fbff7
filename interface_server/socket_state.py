"""The states of a WebSocket, and what leads from one to the next. No I/O here."""

import enum


class State(enum.Enum):
    """Where a socket is in its life."""

    #: The handshake has not been answered.
    CONNECTING = "connecting"
    #: Frames go both ways.
    OPEN = "open"
    #: The close frame, or the refusal of the handshake, is on its way out.
    CLOSING = "closing"
    #: Nothing goes in or out; its `websocket.disconnect` is on its way.
    CLOSED = "closed"


class Event(enum.Enum):
    """What happens to a socket."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    CLOSE = "close"
    LEAVE = "leave"


_NEXT = {
    (State.CONNECTING, Event.ACCEPT): State.OPEN,
    (State.CONNECTING, Event.REFUSE): State.CLOSING,
    (State.CONNECTING, Event.LEAVE): State.CLOSED,
    (State.OPEN, Event.CLOSE): State.CLOSING,
    (State.OPEN, Event.LEAVE): State.CLOSED,
    (State.CLOSING, Event.LEAVE): State.CLOSED,
}


class IllegalStep(RuntimeError):
    """Something happened to a socket that can't happen in its state: a bug in this room."""


def next_state(state: State, event: Event) -> State:
    """Return the state after `event`. Raises IllegalStep."""
    try:
        return _NEXT[state, event]
    except KeyError:
        raise IllegalStep(f"a socket that is {state.value} can't {event.value}") from None
