"""The ASGI types that every module of this room speaks of: ASGI specification, version 3."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

#: What a host server says of a connection, and what goes in and out over one.
Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
#: Header names and values as bytes.
Headers = list[tuple[bytes, bytes]]
