"""What instances send, on its way to the interface servers: gathered, in order, in few trips."""

from __future__ import annotations

import asyncio
import collections
import logging

from channels.exceptions import InvalidMessage, LayerUnavailable, MessageTooLarge
from channels.layers import hosting
from channels.layers.backoff import Backoff
from channels.layers.worker_link import ForClients, WorkerLink
from channels.messages import CloseCode, Content

logger = logging.getLogger("django.channels")

#: Most messages, and about how many bytes of them, go out as one command.
MOST_MESSAGES, MOST_BYTES = 200, 256 * 1024
#: An instance that sends waits while so many messages for its server wait.
HIGH_WATER = 2_000
#: Seconds between two attempts while a server takes nothing, or the layer is away.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.5
#: Seconds without any progress after which what waits for a server is given up.
PATIENCE_S = 30.0


class Outbox:
    """The lanes to the servers, each made when it is first used."""

    def __init__(self, link: WorkerLink) -> None:
        self._link = link
        self._lanes: dict[str, ServerLane] = {}

    def put(self, queue: str, client: str, message: Content) -> None:
        """Send a message to a client of the server whose sockets' queue this is. Never waits."""
        self.lane(queue).put(client, message)

    async def flush(self, limit_s: float) -> None:
        """Wait until everything is sent, for `limit_s` at most."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=limit_s)

    def lane(self, queue: str) -> ServerLane:
        """The lane to the server whose sockets' queue this is."""
        lane = self._lanes.get(queue)
        if lane is None:
            lane = self._lanes[queue] = ServerLane(self._link, queue)
        return lane


class ServerLane:
    """What waits for one server. While a batch is under way, the next one gathers.

    Each message is numbered, so that the server knows one that comes twice.

    Attributes:
        task: what sends, while there is something to be sent.
    """

    def __init__(self, link: WorkerLink, queue: str) -> None:
        self._link, self._queue = link, queue
        self._waiting: collections.deque[ForClients] = collections.deque()
        self._number = 0
        #: What can be sent to one client more: the place of an equal message, by its content.
        self._places: dict[object, int] = {}
        self._latest: dict[str, int] = {}
        self._first = 0
        self._room: asyncio.Event | None = None
        #: The number of the last message that was sent, or given up; set when it grows.
        self._sent = 0
        self._progress: asyncio.Event | None = None
        self.task: asyncio.Task[None] | None = None

    def put(self, client: str, message: Content) -> None:
        """Send a message to a client, after what was sent to it before. It is the lane's own from
        now on."""
        key = _content_of(message)
        place = self._places.get(key) if key is not None else None
        if place is not None and place >= max(self._first, self._latest.get(client, 0) + 1):
            self._waiting[place - self._first].clients.append(client)
        else:
            self._number = place = self._number + 1
            self._append(place, client, message)
            if key is not None:
                self._places[key] = place
        self._latest[client] = place
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def _append(self, place: int, client: str, message: Content) -> None:
        if not self._waiting:
            self._first = place
        message["n"] = place
        self._waiting.append(ForClients([client], message))

    @property
    def is_full(self) -> bool:
        """Whether who sends has to wait."""
        return len(self._waiting) >= HIGH_WATER

    async def wait_for_room(self) -> None:
        """Wait while too much waits."""
        while self.is_full:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()

    async def wait_until_sent(self) -> None:
        """Wait until what was put so far is in the server's queue, or was given up."""
        number = self._number
        while self._sent < number:
            if self._progress is None:
                self._progress = asyncio.Event()
            await self._progress.wait()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # what else is sent in this pass of the loop goes along
        try:
            while self._waiting:
                batch = self._take()
                await self._send(batch)
                self._note_sent(len(batch))
        finally:
            self.task = None

    def _note_sent(self, count: int) -> None:
        self._sent += count
        if self._progress is not None:
            self._progress.set()
            self._progress = None
        if self._room is not None and not self.is_full:
            self._room.set()
            self._room = None

    def _take(self) -> list[ForClients]:
        """Take the next batch; what is put from now on comes after it."""
        batch: list[ForClients] = []
        size = 0
        while self._waiting and len(batch) < MOST_MESSAGES and size < MOST_BYTES:
            batch.append(self._waiting.popleft())
            size += _size_of(batch[-1].message)
        self._first += len(batch)
        if not self._waiting:
            self._places.clear()
            self._latest.clear()
        return batch

    async def _send(self, batch: list[ForClients]) -> None:
        loop = asyncio.get_running_loop()
        deadline, backoff = loop.time() + PATIENCE_S, Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while batch:
            sent = await self._try(batch)
            if sent:
                batch = batch[sent:]
                deadline = loop.time() + PATIENCE_S
                backoff.reset()
                continue
            if loop.time() >= deadline:
                logger.error(
                    "%d messages to clients on %s were dropped: nothing could be sent there for "
                    "%.0f s",
                    len(batch),
                    self._queue,
                    PATIENCE_S,
                )
                return
            await asyncio.sleep(backoff.next_s())

    async def _try(self, batch: list[ForClients]) -> int:
        try:
            return await self._link.send_batch(self._queue, batch)
        except LayerUnavailable:
            return 0  # or it may have been sent: the server knows by the numbers
        except (InvalidMessage, MessageTooLarge) as error:
            return await self._try([batch[0] if len(batch) > 1 else self._refuse(batch[0], error)])

    def _refuse(self, one: ForClients, error: Exception) -> ForClients:
        """What goes out instead of a message that can't: nobody goes on with something left out,
        and the messages of others are not lost with it."""
        logger.error(
            "a %s for clients on %s can't be sent; they are closed with 1011: %s",
            one.message["type"],
            self._queue,
            error,
        )
        closing = {"type": "websocket.close", "code": CloseCode.INTERNAL_ERROR}
        return one._replace(message={**closing, **_owner_of(one.message)})


def _content_of(message: Content) -> object:
    """What makes two frames equal; None for a message that goes to one client only."""
    if message["type"] != "websocket.send":
        return None
    return message.get("text"), message.get("bytes")


def _owner_of(message: Content) -> Content:
    """What says whose message it is, and which."""
    return {key: message[key] for key in ("from", "n") if key in message}


def _size_of(message: Content) -> int:
    """About how many bytes a message takes: those of a frame, or of an instance's state."""
    if message["type"] in (hosting.CHECKPOINT, hosting.HAND_OVER):
        return sum(map(len, message.get("instance", message)["state"].values())) + 64
    return len(message.get("text") or message.get("bytes") or b"") + 64
