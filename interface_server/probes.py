"""What an interface server shows of itself: its health, and its figures of the moment."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.metrics.health import Verdict, find_takers_trouble

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from interface_server.application import InterfaceServer

#: An event loop that does not get round to a callback within so many seconds is stuck.
LOOP_LIMIT_S = 3.0
#: What an interface server sends to, and shows the queues of.
CHANNELS = ("http.request", "websocket.connect", "websocket.receive", "websocket.disconnect")


class ServerProbes:
    """Tells of an InterfaceServer, from any thread but those of its event loops.

    Args:
        application: the InterfaceServer.
        layer: its channel layer.
        needs_workers: whether it is ready only while a worker takes http.request.
    """

    place = "server"
    channels: Iterable[str] = CHANNELS

    def __init__(
        self,
        application: InterfaceServer,
        layer: BaseChannelLayer,
        *,
        needs_workers: bool = False,
    ) -> None:
        self._application, self._layer = application, layer
        self._needs_workers = needs_workers

    def received(self) -> Mapping[str, int]:
        """Replies to its clients."""
        return {"replies": sum(p.dispatcher.received for p in self._application.processes)}

    def gauges(self) -> Mapping[str, float]:
        """Nothing beside what is counted."""
        return {}

    @property
    def has_started(self) -> bool:
        """Whether an event loop serves."""
        return any(process.is_started for process in self._application.processes)

    def live(self) -> Verdict:
        """Whether its event loops turn."""
        for process in self._application.processes:
            turned = threading.Event()
            process.loop.call_soon_threadsafe(turned.set)
            if not turned.wait(LOOP_LIMIT_S):
                return Verdict((f"the event loop has been stuck for {LOOP_LIMIT_S:.0f} s",))
        return Verdict()

    def ready(self) -> Verdict:
        """Whether it takes clients, and the channel layer their messages."""
        processes = self._application.processes
        troubles = [] if processes else ["it is starting"]
        for process in processes:
            if process.is_stopping:
                troubles.append("it is stopping")
            elif process.link.refusal is not None:
                troubles.append(str(process.link.refusal))
            elif not process.link.is_available:
                troubles.append("the channel layer can't be reached")
        if self._needs_workers and not troubles:
            try:
                trouble = find_takers_trouble(self._layer, "http.request")
            except LayerUnavailable as error:
                trouble = str(error)
            troubles += [trouble] if trouble else []
        return Verdict(tuple(troubles))
