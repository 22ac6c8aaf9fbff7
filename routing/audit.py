"""What is probably a mistake in a routing that works: said once, by the system checks.

Each function yields (code, text, hint). The codes are those of the system checks that show them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from routing.before_1_0 import find_demultiplexer_mapping, leaves_handshake_open
from routing.consumers import find_call_problem, get_marks
from routing.filters import has_positional_groups
from routing.matching import AnyCandidate
from routing.protocols import CHANNEL_KEYS, find_name_doubt

if TYPE_CHECKING:
    from routing.router import Router

#: A channel, and what is routed from it.
Routed: TypeAlias = tuple[str, AnyCandidate]
#: (code, text, hint)
Doubt: TypeAlias = tuple[str, str, str]
#: Channel -> candidate, for the messages of one kind of socket.
Trio: TypeAlias = Mapping[str, AnyCandidate]

#: Decorators that bring the user of the HTTP session to a `websocket.connect` consumer.
_USER_BRINGERS = frozenset(
    (
        "channel_session_user_from_http",
        "channel_and_http_session_user_from_http",
        "http_session_user",
    )
)
#: Decorators with which http_session needs no headers.
_WITHOUT_HEADERS = frozenset(("channel_session_user_from_http", "channel_and_http_session"))
_SOCKET_CHANNELS = ("websocket.connect", "websocket.receive", "websocket.disconnect")


def find_doubts(router: Router) -> list[Doubt]:
    """Return what is probably wrong in a Router's own routes: a list of (code, text, hint)."""
    routes = list(router.candidates())
    ours = [(channel, candidate) for channel, candidate in routes if candidate.consumer]
    found = [
        *_doubt_names(routes),
        *_doubt_keys(routes),
        *_doubt_reach(routes),
        *_doubt_groups(routes),
        *_doubt_calls(ours),
        *_doubt_headers(ours),
        *_doubt_sockets(ours),
        *_doubt_age(ours),
    ]
    return list(dict.fromkeys(found))


def _doubt_names(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for channel, candidate in routes:
        doubt = find_name_doubt(channel)
        if doubt:
            text = f"{candidate.route!r}: {doubt}"
            yield "W010", text, "Silence this if you send on it yourself."


def _doubt_keys(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for channel, candidate in routes:
        known = CHANNEL_KEYS.get(channel)
        for key, _ in candidate.patterns:
            if known and key not in known:
                yield (
                    "W011",
                    f"{candidate.route!r}: messages on {channel!r} have no {key!r} to match",
                    f"They have: {', '.join(sorted(known))}.",
                )


def _doubt_reach(routes: Sequence[Routed]) -> Iterator[Doubt]:
    takers: dict[str, object] = {}
    for channel, candidate in routes:
        if channel in takers:
            yield (
                "W012",
                f"{candidate.route!r} is never reached on {channel!r}: "
                f"{takers[channel]!r} before it takes every message",
                "Put the one with filters first, or remove one of them.",
            )
        elif candidate.takes_all:
            takers[channel] = candidate.route


def _doubt_groups(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for _, candidate in routes:
        for key, pattern in candidate.patterns:
            if has_positional_groups(pattern):
                yield (
                    "W013",
                    f"the prefix {pattern.pattern!r} for {key!r} of an include around "
                    f"{candidate.route!r} has groups without a name, which reach no consumer",
                    "Write (?P<name>…) for what the consumer is to get, (?:…) for the rest.",
                )


def _doubt_calls(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for _, candidate in routes:
        names = [name for _, pattern in candidate.patterns for name in pattern.groupindex]
        problem = find_call_problem(candidate.consumer, list(dict.fromkeys(names)))
        if problem:
            yield (
                "W014",
                f"{candidate.route!r}: {problem}, which raises a TypeError",
                "Its parameters must be the message and the named groups of the route's filters.",
            )


def _doubt_headers(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for channel, candidate in routes:
        marks = get_marks(candidate.consumer)
        needs_headers = "http_session" in marks and not marks & _WITHOUT_HEADERS
        if needs_headers and "headers" not in CHANNEL_KEYS.get(channel, ("headers",)):
            yield (
                "W022",
                f"{candidate.route!r} asks for the HTTP session, but messages on {channel!r} have "
                "no headers with a cookie: each of them raises a ValueError",
                "Use @channel_session_user, or @channel_and_http_session on all of the socket's "
                "consumers.",
            )


def _doubt_sockets(routes: Sequence[Routed]) -> Iterator[Doubt]:
    for trio in _socket_trios(routes):
        yield from _doubt_ordering(trio)
        yield from _doubt_user(trio)


def _socket_trios(routes: Sequence[Routed]) -> Iterator[Trio]:
    """Yield, for each set of filters, the candidates that take the messages of one such socket.

    As a dict of channel -> candidate, without the channels that are left to the defaults.
    """
    rows = {
        name: [candidate for channel, candidate in routes if channel == name]
        for name in _SOCKET_CHANNELS
    }
    for filters in dict.fromkeys(_filters_of(one) for row in rows.values() for one in row):
        trio = {
            name: next((one for one in row if _filters_of(one) in ((), filters)), None)
            for name, row in rows.items()
        }
        yield {name: candidate for name, candidate in trio.items() if candidate}


def _filters_of(candidate: AnyCandidate) -> tuple[tuple[str, str], ...]:
    return tuple((key, pattern.pattern) for key, pattern in candidate.patterns)


def _doubt_ordering(trio: Trio) -> Iterator[Doubt]:
    known = {name: one for name, one in trio.items() if not inspect.isclass(one.consumer)}
    ordered = [name for name in known if "enforce_ordering" in get_marks(known[name].consumer)]
    loose = {name: repr(one.route) for name, one in known.items() if name not in ordered}
    if "websocket.receive" not in trio and "websocket.disconnect" in ordered:
        loose["websocket.receive"] = "the default consumer of 'websocket.receive'"
    if ordered and loose:
        yield (
            "W020",
            f"{known[ordered[0]].route!r} has @enforce_ordering, "
            f"{' and '.join(loose.values())} has not, and they take messages of the same sockets: "
            f"{'; '.join(_tell_disorder(loose, ordered))}",
            "Put @enforce_ordering on the consumers of websocket.connect, receive and disconnect.",
        )


def _tell_disorder(loose: Iterable[str], ordered: Iterable[str]) -> Iterator[str]:
    """What happens to sockets with consumers of which only some are ordered."""
    if "websocket.connect" in loose:
        yield "frames may run before the consumer of websocket.connect has ended"
    if "websocket.receive" in loose:
        yield "frames run in any order"
        if "websocket.disconnect" in ordered:
            yield "the disconnect waits half a minute for frames that are not known to have run"
    elif "websocket.disconnect" in loose:
        yield "the disconnect runs before frames that still wait, and these are dropped"


def _doubt_user(trio: Trio) -> Iterator[Doubt]:
    connect = trio.get("websocket.connect")
    if connect is None or inspect.isclass(connect.consumer):
        return
    wanting = [one for one in trio.values() if "channel_session_user" in get_marks(one.consumer)]
    if wanting and not get_marks(connect.consumer) & _USER_BRINGERS:
        yield (
            "W021",
            f"{wanting[0].route!r} has @channel_session_user, but {connect.route!r} brings no user "
            "into the channel session: message.user will be anonymous",
            "Put @channel_session_user_from_http on the consumer of websocket.connect; "
            "silence this if the socket logs in by itself.",
        )


def _doubt_age(routes: Sequence[Routed]) -> Iterator[Doubt]:
    """What was written for a version before Channels 1.0, where a socket was open by itself."""
    for channel, candidate in routes:
        mapping = find_demultiplexer_mapping(candidate.consumer)
        if mapping:
            yield (
                "W016",
                f"{candidate.route!r}: its `mapping` of streams to channels is that of versions "
                f"before Channels 1.0, and is not looked at ({mapping})",
                "Since 1.0 a demultiplexer has `consumers`, a dict of stream name -> consumer "
                "(a consumer class, or the `consumer` of a binding); see docs/coming-from-1x.md.",
            )
        if channel == "websocket.connect" and leaves_handshake_open(candidate.consumer):
            yield (
                "W017",
                f"{candidate.route!r} never answers the handshake: it sends nothing and hands the "
                "message to nobody, so the browser waits until the time-out and is refused",
                'Since Channels 1.0 it has to accept: message.reply_channel.send({"accept": '
                "True}). Silence this if another consumer answers.",
            )
