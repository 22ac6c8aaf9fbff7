"""`Worker` and `WorkerGroup`, at the import path that both generations have for them."""

from __future__ import annotations

from typing import Any

from channels.applications.named_channels import NamedChannels
from channels.startup.rooms import load_room

load_room("worker")

from worker import Worker as SplitWorker  # noqa: E402  (only once the room is known to be ours)
from worker import WorkerGroup, find_hosted  # noqa: E402

__all__ = ["Worker", "WorkerGroup", "find_hosted"]


class Worker(SplitWorker):  # type: ignore[misc]
    """A worker of the split; or, called as in Channels 2 and later, one of channels with names.

    - `Worker(channel_layer, ...)`: see `worker.Worker`.
    - `Worker(application, channels, channel_layer, max_applications=1000)` gives the messages of
      `channels`, a list of names, to `application`, with a scope of type "channel". `run()` runs
      `handle()`, and that a `listener(channel)` for each. Raises ValueError without a layer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not _is_for_named_channels(args, kwargs):
            self._named: NamedChannels | None = None
            super().__init__(*args, **kwargs)
            return
        self._set_up(*args, **kwargs)

    def _set_up(
        self, application: Any, channels: Any, channel_layer: Any, max_applications: int = 1000
    ) -> None:
        self.application, self.channels = application, channels
        self.channel_layer, self.max_applications = channel_layer, max_applications
        self._named = NamedChannels(application, channels, channel_layer, self.listener)

    def run(self) -> None:
        """Work until told to stop by SIGTERM or SIGINT."""
        if self._named is None:
            super().run()
        else:
            self._named.run(self.handle)

    async def handle(self) -> None:
        """Listen on all channels with names."""
        await self._listeners().handle()

    async def listener(self, channel: str) -> None:
        """Take the messages of one channel."""
        await self._listeners().listen(channel)

    def _listeners(self) -> NamedChannels:
        if self._named is None:
            raise TypeError(
                "a worker of the split has no handle() and no listener(): it is run by run(); "
                "name an application, channels and a layer for one of channels with names"
            )
        return self._named


def _is_for_named_channels(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the arguments are those of Channels 2 and later: there, channels have to be named."""
    return "channels" in kwargs or (len(args) > 1 and isinstance(args[1], (list, tuple, set)))
