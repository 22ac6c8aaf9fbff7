"""The seam between an instance and what runs it.

An instance is given events of two kinds: those of its connection, by `receive`, and messages on its
own channel, `self.channel_name`. In process, the second kind is the instance's own business: it
makes its channel with `await layer.new_channel()`, and reads it with `await layer.receive(name)`.

Where something else hosts the connection, as a worker of the split does, that puts an
InstanceHost into `scope["extensions"]["channels.hosting"]`. Then

- `self.channel_name` is the host's `channel_name`: the reply channel of the socket, if it has one;
- both kinds of events come through `receive`, in the order in which they are to be handled. That
  `receive` is called means that the handler of the event before it has ended;
- `attach(consumer)` is awaited once, when the instance has its scope, layer, channel name and
  `base_send`, before its first event. This is where a host puts back what an instance had on
  another worker;
- sync handlers run on the host's `executor`, if that is not None, else in the thread that the
  process has for all sync code (asgiref's "thread-sensitive" one).

Middleware copies `scope`, but not what is in it, so the InstanceHost reaches the consumer through
any number of them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from channels.applications.shapes import Scope
    from channels.consumer import AsyncConsumer

#: The key of `scope["extensions"]` with the InstanceHost.
EXTENSION = "channels.hosting"


class InstanceHost(Protocol):
    """What hosts one connection, and the instances that serve it (nearly always one)."""

    @property
    def channel_name(self) -> str:
        """The channel that messages to the instance are sent to."""
        ...

    @property
    def executor(self) -> ThreadPoolExecutor | None:
        """Where sync handlers run; None for the thread that all sync code shares."""

    async def attach(self, consumer: AsyncConsumer) -> None:
        """Learn of an instance that is about to begin."""


def find_host(scope: Scope) -> InstanceHost | None:
    """Return the InstanceHost of a connection; None if it is served in process."""
    extensions = scope.get("extensions") or {}
    host: InstanceHost | None = extensions.get(EXTENSION)
    return host
