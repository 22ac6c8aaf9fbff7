"""Groups: which clients of which queues are their members, and until when; in drawers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from channels.layers import names
from channels.layers.rabbitmq import sockets
from channels.layers.rabbitmq.drawers import Drawers
from channels.layers.rabbitmq.notices import Notices
from channels.layers.rabbitmq.transport import Session

if TYPE_CHECKING:
    from channels.layers.rabbitmq.layer import RabbitmqChannelLayer


class BrokerGroups:
    """All groups. The socket of a live server stays in them; any other member expires."""

    def __init__(self, layer: RabbitmqChannelLayer, drawers: Drawers, notices: Notices) -> None:
        self._layer, self._drawers, self._notices = layer, drawers, notices

    async def add(self, session: Session, group: str, channel: str) -> None:
        """Make a channel a member; not that of a client who has left its server."""
        queue, client = names.split_local(channel)
        if self._notices.state_of(queue, client) == "gone":
            return
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            record = sockets.record_of(state, channel)
            if record.get("closed"):
                return
            stays = "open" in record
            groups = record.setdefault("groups", [])
            if group not in groups:
                groups.append(group)
        expires_at = None if stays else self._layer.clock() + self._layer.group_expiry
        async with self._drawers.open(session, self._drawers.of_group(group)) as state:
            state.setdefault(group, {}).setdefault(queue, {})[client] = expires_at

    async def discard(self, session: Session, group: str, channel: str) -> None:
        """Take a channel out of one group."""
        await self._leave(session, group, channel)
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            groups = state.get(channel, {}).get("groups", [])
            if group in groups:
                groups.remove(group)

    async def _leave(self, session: Session, group: str, channel: str) -> None:
        queue, client = names.split_local(channel)
        async with self._drawers.open(session, self._drawers.of_group(group)) as state:
            clients = state.get(group, {}).get(queue, {})
            clients.pop(client, None)
            if not clients:
                state.get(group, {}).pop(queue, None)
            if not state.get(group):
                state.pop(group, None)

    async def discard_all(self, session: Session, channel: str) -> list[str]:
        """Take a channel out of every group; return their names."""
        async with self._drawers.open(session, self._drawers.of_socket(channel)) as state:
            groups: list[str] = state.get(channel, {}).pop("groups", [])
        for group in groups:
            await self._leave(session, group, channel)
        return groups

    async def discard_queue(self, session: Session, queue: str) -> None:
        """Take all channels of a process that has gone out of every group."""
        for drawer in self._drawers.names_of("groups"):
            async with self._drawers.open(session, drawer) as state:
                for group in [group for group, queues in state.items() if queue in queues]:
                    del state[group][queue]
                    if not state[group]:
                        del state[group]

    async def members(self, session: Session, group: str) -> dict[str, list[str]]:
        """The live members, as {queue: clients}."""
        now = self._layer.clock()
        async with self._drawers.open(session, self._drawers.of_group(group)) as state:
            queues = state.get(group, {})
        live = {
            queue: [client for client, end in clients.items() if end is None or end > now]
            for queue, clients in queues.items()
        }
        return {queue: clients for queue, clients in live.items() if clients}

    async def sizes(self, session: Session) -> dict[str, int]:
        """How many members each group has."""
        sizes: dict[str, int] = {}
        for drawer in self._drawers.names_of("groups"):
            async with self._drawers.open(session, drawer) as state:
                for group, queues in state.items():
                    sizes[group] = sum(map(len, queues.values()))
        return sizes
