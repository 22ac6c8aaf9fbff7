"""The host of ASGI applications in a worker: its event loop, its queue, its instances."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers import hosting, names
from channels.layers.recent import Recent
from channels.messages import CloseCode, Content
from worker.applications.finding import Hosted
from worker.applications.instance import SocketInstance
from worker.applications.loops import make_loop
from worker.applications.mover import TAKEN, Mover
from worker.applications.outbox import Outbox
from worker.applications.placement import Room
from worker.applications.pool import HandlerThreads
from worker.applications.request import RequestInstance
from worker.applications.servers import ServerWatch, server_of

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.operations import Delivery

logger = logging.getLogger("django.channels")

#: Seconds between two attempts to send an instance on its way.
RETRY_S = 0.1
#: Seconds for what runs to end once the worker stops. The interface server has the same.
GRACE_S = 10.0
#: The channels on which there are sockets that want a host.
_WITH_SOCKETS = ("websocket.connect", hosting.RESUME)
#: Seconds until a loop that is told to start must run.
START_LIMIT_S = 10.0
#: Seconds for what was sent at the end to go out.
LAST_WORDS_S = 2.0
#: What is known of the instances of a socket of which none has ended here.
_NONE = (0, False)


class ApplicationHost:
    """Runs an application for the sockets that this worker hosts.

    Its event loop runs in a thread of its own. `start`, `take` and `stop` may be called from any
    thread; all else happens on the loop.

    Args:
        layer: the channel layer.
        hosted: the application, and what it is for.
        worker_id: the worker's id in the registry.
        threads: how many sync handlers may run at the same time.
        most_sockets: how many it hosts at most; None for no limit.
        grace_s: how long instances that can't move, handlers and responses may go on once it stops.
        on_room: called from any thread when it takes other messages than before.
    """

    def __init__(
        self,
        layer: BaseChannelLayer,
        hosted: Hosted,
        worker_id: str,
        *,
        threads: int = 1,
        most_sockets: int | None = None,
        grace_s: float = GRACE_S,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = hosted.application
        self.threads = HandlerThreads(threads)
        self.grace_s = grace_s
        self.loop = make_loop()
        self._layer = layer
        self._link = layer.open_worker_link(worker_id, self._dispatch)
        self._link.call_when_back(self._claim_again)
        self.queue = self._link.queue
        self.outbox = Outbox(self._link)
        self._instances: dict[str, SocketInstance] = {}
        #: Those that have ended of late: their numbers, and whether their sockets had gone before.
        self._ended: Recent[str, tuple[int, bool]] = Recent(hosting.COPIES_LIVE_S)
        self._room = Room(most_sockets)
        self.mover = Mover(self._link, self._instances, self._room)
        #: What was taken and is not among the instances yet.
        self._coming, self._coming_lock = 0, threading.Lock()
        self._on_room, self._closed = on_room, frozenset[str]()
        self._requests: dict[str, RequestInstance] = {}
        self._request_numbers = itertools.count(1)
        self._is_stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="applications", daemon=True)
        self._is_up = threading.Event()
        self._handlers: dict[str, Callable[[Content], None]] = {
            hosting.MEMBERS: self._pass_to_members,
            hosting.GONE: self._let_go,
            hosting.MOVED: lambda message: self.mover.note_moved(message["reply_channel"]),
        }
        self._takers = self._make_takers(hosted)

    def _make_takers(self, hosted: Hosted) -> dict[str, Callable[[Content], None]]:
        """What takes the messages that are for any worker, by channel."""
        takers: dict[str, Callable[[Content], None]] = {}
        if hosted.with_sockets:
            takers["websocket.connect"] = self._open
            takers[hosting.RESUME] = self._resume
            # Of sockets that had no owner yet.
            takers["websocket.receive"] = takers["websocket.disconnect"] = _pass_over
        if hosted.with_http:
            takers["http.request"] = self._answer
            takers["http.disconnect"] = _pass_over
        return takers

    @property
    def count(self) -> int:
        """How many sockets are hosted here."""
        return len(self._instances)

    # -- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the event loop and begin to read the worker's queue."""
        self._thread.start()
        if not self._is_up.wait(START_LIMIT_S):
            raise RuntimeError(f"the event loop of {self.queue} did not start")

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._link.start())
        watch = ServerWatch(self._link, self._servers, self._lose_server)
        self._watching = self.loop.create_task(watch.look_forever())
        self._evening_out = self.loop.create_task(self.mover.even_out_forever())
        self._is_up.set()
        self.loop.run_forever()
        self.loop.run_until_complete(_cancel_all())
        self.loop.close()

    def _servers(self) -> set[str]:
        """The ids of the interface servers that have the sockets."""
        return {server_of(channel) for channel in self._instances}

    def _claim_again(self) -> None:
        """What an interface server and we have told one another may be lost."""
        for instance in self._instances.values():
            instance.claim_again()

    def _lose_server(self, server_id: str) -> None:
        lost = [one for one in self._instances.values() if server_of(one.channel_name) == server_id]
        logger.error(
            "interface server %s is dead: %d sockets that are hosted here are gone with it",
            server_id,
            len(lost),
        )
        for instance in lost:
            instance.let_go(is_closed=True)

    def stop(self) -> None:
        """Hand over every socket, and return when all are gone: after `grace_s` at most, or, if a
        server or the layer stands still just now, half a minute."""
        asyncio.run_coroutine_threadsafe(self._leave(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    async def _leave(self) -> None:
        self._is_stopping = True
        self._evening_out.cancel()
        if self._instances:
            logger.info("handing %d sockets over to other workers", len(self._instances))
        ends_at = self.loop.time() + self.grace_s
        await self.mover.move_all(ends_at)
        await self._end_requests(ends_at)
        self._close_the_rest()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LAST_WORDS_S)
        await self.outbox.flush(LAST_WORDS_S)
        await self._layer.aclose()
        await self._link.stop()

    @property
    def facts(self) -> dict[str, Any]:
        """From any thread: what the registry shows of the host."""
        return {
            "sockets": self.count,
            "is_full": not self._room.takes_new(self.count),
            "hand_overs": dict(self.mover.counts),
        }

    def find_closed(self) -> set[str]:
        """From any thread: the channels of sockets that there is no room for just now."""
        closed, count = set(), self.count + self._coming
        if not self._room.takes_new(count):
            closed.add("websocket.connect")
        if not self._room.takes_moved(count):
            closed.add(hosting.RESUME)
        return closed

    def _note_room(self) -> None:
        """Tell at once if other messages are to be taken than before."""
        closed = frozenset(self.find_closed())
        if closed != self._closed:
            self._closed = closed
            self.loop.run_in_executor(None, self._on_room)  # it may have to wait for the layer

    async def _end_requests(self, ends_at: float) -> None:
        """Let requests be answered, in the time that is left; then break them off."""
        tasks = [one.task for one in self._requests.values() if one.task is not None]
        if not tasks:
            return
        _, running = await asyncio.wait(tasks, timeout=max(ends_at - self.loop.time(), 0.0))
        for task in running:
            task.cancel()
        if running:
            logger.warning("%d responses were broken off: they took too long", len(running))
            await asyncio.wait(running, timeout=LAST_WORDS_S)

    def _close_the_rest(self) -> None:
        for instance in list(self._instances.values()):
            reason = instance.stays or f"its handler has not ended within {self.grace_s:.0f} s"
            logger.error(
                "%s is closed with 1012, as it could not be handed over: %s",
                instance.channel_name,
                reason,
            )
            instance.close(CloseCode.SERVICE_RESTART)
            if instance.task is not None:
                instance.task.cancel()

    # -- messages for all workers -----------------------------------------------------------------

    def takes(self, channel: str) -> bool:
        """Whether messages on a channel are for applications."""
        return channel in self._takers

    @property
    def channels(self) -> set[str]:
        """The channels that it takes messages from."""
        return set(self._takers)

    def take(self, delivery: Delivery) -> None:
        """From any thread: a message on one of `channels` is for the application."""
        if delivery.channel in _WITH_SOCKETS:
            with self._coming_lock:
                self._coming += 1
        self.loop.call_soon_threadsafe(self._take, delivery)

    def _take(self, delivery: Delivery) -> None:
        channel, content = delivery.channel, delivery.content
        if channel not in _WITH_SOCKETS:
            self._takers[channel](content)
            return
        with self._coming_lock:
            self._coming -= 1
        if self._is_stopping or not self._room.takes_new(self.count):
            self._later(self.send_to_others(content, channel))
        else:
            self._takers[channel](content)
        self._note_room()

    def _open(self, content: Content) -> None:
        self._start_instance(SocketInstance(self, content))

    def _resume(self, content: Content) -> None:
        self.mover.note(TAKEN)
        self._start_instance(
            SocketInstance(self, content["opening"], content["number"], resumed=content)
        )

    def _answer(self, content: Content) -> None:
        request = RequestInstance(self, content, f"r{next(self._request_numbers):x}")
        self._requests[request.local_part] = request
        request.task = self.loop.create_task(request.run())

    def forget_request(self, request: RequestInstance) -> None:
        """A request is answered."""
        self._requests.pop(request.local_part, None)

    async def send(self, channel: str, message: Content) -> None:
        """Send a message; raises as a layer's `send` does."""
        await self._link.send(channel, message)

    async def receive(self, channel: str) -> Content:
        """Return the next message of a channel that only we read."""
        while True:
            _, message = await self._layer.areceive([channel], block=True)
            if message is not None:
                return message

    def _start_instance(self, instance: SocketInstance) -> None:
        ended, _ = self._ended.get(instance.channel_name) or _NONE
        if ended >= instance.number:
            return  # a copy of one that we had
        former = self._instances.get(instance.channel_name)
        if former is not None:
            if former.number >= instance.number:
                return
            former.let_go(is_closed=False)
        self._instances[instance.channel_name] = instance
        instance.task = self.loop.create_task(instance.run())

    def forget(self, instance: SocketInstance) -> None:
        """An instance has come to its end."""
        if self._instances.get(instance.channel_name) is instance:
            del self._instances[instance.channel_name]
            self._ended.note(instance.channel_name, (instance.number, instance.has_ended))
            self._note_room()

    def _later(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send_to_others(self, content: Content, channel: str = hosting.RESUME) -> None:
        """Put an instance, or a handshake, where other workers find it."""
        while True:
            try:
                await self._link.send(channel, content)
                return
            except (ChannelFull, LayerUnavailable) as error:
                logger.debug("an instance waits to be handed over: %s", error)
                await asyncio.sleep(RETRY_S)

    # -- messages for this worker -----------------------------------------------------------------

    def _dispatch(self, message: Content, local_parts: Sequence[str]) -> None:
        if hosting.LOCAL_PART in local_parts:
            self._dispatch_for_sockets(message)
            return
        for local_part in local_parts:
            request = self._requests.get(local_part)
            if request is not None:
                request.put(dict(message))

    def _dispatch_for_sockets(self, message: Content) -> None:
        kind = message["type"]
        handler = self._handlers.get(kind)
        if handler is not None:
            handler(message)
            return
        instance = self._instances.get(message["reply_channel"])
        if instance is None:
            self._close_unknown(message)
        elif instance.number == message["number"]:
            instance.put(message)

    def _close_unknown(self, message: Content) -> None:
        """A server takes us for the owner of a socket that we know nothing of: let nothing hang.
        What is late for an instance that went elsewhere is nobody's: the next one may be ours. One
        whose application has ended by itself has closed its socket: that may be lost."""
        ended, had_gone = self._ended.get(message["reply_channel"]) or _NONE
        is_late = ended > message["number"] or (ended == message["number"] and had_gone)
        if message["type"] == "websocket.receive" and not is_late:
            queue, client = names.split_local(message["reply_channel"])
            event = {"type": "websocket.close", "code": CloseCode.SERVICE_RESTART}
            self.outbox.put(queue, client, {**event, "from": self.queue})

    def _pass_to_members(self, message: Content) -> None:
        server, inner, place = message["server"], message["message"], message["place"]
        for client in message["clients"]:
            instance = self._instances.get(server + client)
            if instance is not None:
                instance.put_message(dict(inner), place)

    def _let_go(self, message: Content) -> None:
        instance = self._instances.get(message["reply_channel"])
        number = message["number"]
        if instance is not None and (number is None or instance.number <= number):
            instance.let_go(is_closed=message["is_closed"])


async def _cancel_all() -> None:
    """End what applications have left running."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LAST_WORDS_S)


def _pass_over(content: Content) -> None:
    """What nobody hosts has nothing to do here."""
