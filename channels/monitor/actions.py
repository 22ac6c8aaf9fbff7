"""What can be done from the live page: each action checks its input, and says what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth import get_user_model

from channels.channel import Channel
from channels.consuming.logout import close_sockets_of, what_to_do
from channels.layers.names import check_channel_name, is_socket
from channels.messages import CloseCode
from channels.monitor.reading import default_layer, status_reader


class BadRequest(ValueError):
    """What was asked for can't be done; the text says why."""


def act(asked: Mapping[str, Any]) -> str:
    """Carry out the action that `asked["action"]` names; return a sentence that says what was done.

    Raises BadRequest, InvalidName, LayerUnavailable.
    """
    action = ACTIONS.get(str(asked.get("action")))
    if action is None:
        known = ", ".join(sorted(ACTIONS))
        raise BadRequest(f"unknown action {asked.get('action')!r}: it must be one of {known}")
    return action(asked)


def _replay(asked: Mapping[str, Any]) -> str:
    count = default_layer().replay_dead_letters(_channel(asked), _ids(asked))
    return f"{_count(count, 'dead letter')} sent again to {asked['channel']}."


def _purge(asked: Mapping[str, Any]) -> str:
    count = default_layer().purge_dead_letters(_channel(asked), _ids(asked))
    return f"{_count(count, 'dead letter')} of {asked['channel']} removed."


def _close(asked: Mapping[str, Any]) -> str:
    name = _channel(asked)
    if not is_socket(name):
        raise BadRequest(f"{name!r} is no socket: name a channel that begins with websocket.send.")
    Channel(name, channel_layer=default_layer()).send({"close": int(CloseCode.GOING_AWAY)})
    return f"{name} was told to close."


def _close_user(asked: Mapping[str, Any]) -> str:
    if what_to_do() != "close":
        raise BadRequest(
            "which sockets a user has is known only where CHANNELS_AFTER_LOGOUT is 'close': set it"
        )
    name = str(asked.get("user"))
    users: Any = get_user_model()
    user = users._default_manager.filter(**{str(users.USERNAME_FIELD): name}).first()
    if user is None:
        raise BadRequest(f"there is no user {name!r}")
    close_sockets_of(user)
    return f"All sockets of {name} were told to close."


def _stop(asked: Mapping[str, Any]) -> str:
    worker = str(asked.get("worker"))
    known = [one["id"] for one in status_reader.read()["workers"]]
    if worker not in known:
        raise BadRequest(f"there is no worker {worker!r}: it has stopped already, or never was")
    default_layer().ask_to_stop(worker)
    return f"Worker {worker} was asked to stop. It finishes what it runs first."


def _channel(asked: Mapping[str, Any]) -> str:
    return str(check_channel_name(asked.get("channel")))


def _ids(asked: Mapping[str, Any]) -> list[str] | None:
    ids = asked.get("ids")
    if ids is None:
        return None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BadRequest(f"ids must be a list of str, or left out for all, got {ids!r}")
    return ids


def _count(count: int, noun: str) -> str:
    return f"{count} {noun} was" if count == 1 else f"{count} {noun}s were"


#: The actions by their names.
ACTIONS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "replay": _replay,
    "purge": _purge,
    "close": _close,
    "close_user": _close_user,
    "stop": _stop,
}
