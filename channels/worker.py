"""`Worker` and `WorkerGroup`, at their Channels 1.x import path."""

from channels.startup.rooms import load_room

load_room("worker")

from worker import (  # noqa: E402  (only once the room is known to be ours)
    Worker,
    WorkerGroup,
    find_socket_application,
)

__all__ = ["Worker", "WorkerGroup", "find_socket_application"]
