"""One socket and the application that serves it, for as long as this worker hosts them."""

from __future__ import annotations

import asyncio
import collections
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from channels.exceptions import StopConsumer
from channels.instances.hosting import EXTENSION
from channels.layers import hosting, names
from channels.messages import CloseCode, Content
from worker.advice import tell_of_no_frame, tell_of_open_connect
from worker.applications.arrivals import Arrival, Arrivals
from worker.applications.events import check_event, find_own_events, frame_of
from worker.applications.mover import FAILED, GIVEN, STAYED
from worker.applications.moving import Baseline, PackedState, explain, put_back, say_resumed
from worker.applications.scopes import make_socket_scope
from worker.applications.travel import CannotTravel

if TYPE_CHECKING:
    from channels.consumer import AsyncConsumer
    from worker.applications.host import ApplicationHost

logger = logging.getLogger("django.channels")


class HandedOver(StopConsumer):
    """Ends an application whose socket goes on elsewhere, from inside of its `receive`."""


class SocketInstance:
    """Hosts one socket: a `channels.instances.hosting.InstanceHost`.

    Args:
        host: the ApplicationHost.
        opening: the `websocket.connect` message of the socket.
        number: the number of this ownership.
        resumed: the message on the channel of instances that wait for a worker; None for a socket
            that has just opened.
    """

    __slots__ = (
        "_arrivals",
        "_baseline",
        "_checkpoint",
        "_checkpoint_at",
        "_client",
        "_consumer",
        "_events",
        "_handles",
        "_is_asked",
        "_host",
        "_is_checkpointed",
        "_is_leaving",
        "_is_on_its_way",
        "_is_over",
        "_is_resuming",
        "_lane",
        "_opening",
        "_others",
        "_place",
        "_resumed",
        "_taken",
        "_unsent",
        "_waiter",
        "channel_name",
        "has_ended",
        "number",
        "stays",
        "task",
    )

    def __init__(
        self,
        host: ApplicationHost,
        opening: Content,
        number: int = 1,
        resumed: Content | None = None,
    ) -> None:
        self._host = host
        self._opening = opening
        self._resumed = resumed
        self._is_resuming = resumed is not None
        self.number = number
        self.channel_name: str = opening["reply_channel"]
        queue, self._client = names.split_local(self.channel_name)
        self._lane = host.outbox.lane(queue)
        #: What the client has done and other events; messages to the instance with their numbers.
        self._events: collections.deque[Content | tuple[int, Content]] = collections.deque()
        self._waiter: asyncio.Future[None] | None = None
        self._consumer: AsyncConsumer | None = None
        self._others = 0
        self._baseline: Baseline | None = None
        #: The numbers of the last frame and of the last message to the instance that were taken.
        self._taken: int = 0 if resumed is None else resumed["order"]
        self._place: int = 0 if resumed is None else resumed["place"]
        # The client is gone, or the instance has lost its socket: nothing more is sent.
        self._is_over = self.has_ended = self._is_leaving = self._is_on_its_way = False
        #: The application has the handshake, and has not answered it.
        self._is_asked = False
        self._is_checkpointed = False
        #: The types of events for the client that the consumer wants to see first.
        self._handles: list[str] = []
        self._checkpoint: PackedState | None = None
        self._arrivals = Arrivals(self._taken, self._place)
        #: Up to where all was handled at the latest checkpoint.
        self._checkpoint_at = (0, 0)
        #: What an instance with checkpoints has sent since the last one.
        self._unsent: list[Content] = []
        #: Why it can't be handed over, once that was tried.
        self.stays: str | None = None
        self.task: asyncio.Task[None] | None = None

    # -- its life -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the application to its end, or to the hand-over."""
        if self._resumed is None:
            self._claim()
            self.put({"type": "websocket.connect"})
            # Before it is in any group: what is sent there must not answer the handshake.
            await self._lane.wait_until_sent()
        code: int | None = CloseCode.NORMAL
        try:
            scope = make_socket_scope(self._opening)
            scope["extensions"][EXTENSION] = self
            await self._host.application(scope, self.receive, self.send)
        except HandedOver:
            code = None
        except StopConsumer:
            pass
        except Exception:
            logger.exception("the application of %s failed; it is closed", self._opening["path"])
            code = CloseCode.INTERNAL_ERROR
            if self._is_resuming:
                self._host.mover.note(FAILED)
        finally:
            self._host.forget(self)
        if code is not None and not self.has_ended:
            self.close(code)

    def close(self, code: int) -> None:
        """Close the socket, whatever the application thinks of it."""
        self._claim(stays=True)
        self._end_with(code)

    def _end_with(self, code: int) -> None:
        """Send what was to go out with the next checkpoint, and the close; nothing after it."""
        for event in (*self._unsent, {"type": "websocket.close", "code": code}):
            self._tell({**event, "from": self._host.queue})
        self._is_over = True

    def _claim(self, *, stays: bool = False, has_handled: bool = True) -> None:
        """Tell the interface server that the socket is ours, what the consumer wants, whether it
        stays although it was to move, and what is handled, unless no checkpoint may say so."""
        order, place = (self._taken, self._place) if has_handled else (0, 0)
        claim: Content = {"order": order, "place": place, "handles": self._handles}
        if self._is_checkpointed:
            claim["keeps"] = True
        if stays:
            claim["stays"] = True
        self._tell_of_it(hosting.OWN, claim)

    def claim_again(self) -> None:
        """Claim the socket once more, if the server has not heard so; or we not that it is gone."""
        if not (self._is_resuming or self._is_over or self._is_leaving):
            self._claim(has_handled=False)

    def ask_to_move(self) -> None:
        """Ask the interface server for the fence, upon which the instance is handed over."""
        if self._is_resuming:  # or it would not know us for the owner yet
            self._claim()
        self._tell_of_it(hosting.HOLD, {})

    def _tell_of_it(self, kind: str, more: Content) -> None:
        """Tell the interface server something of this ownership."""
        self._tell({"type": kind, "queue": self._host.queue, "number": self.number, **more})

    def let_go(self, *, is_closed: bool) -> None:
        """The socket is not ours any more, or is closed: then `disconnect` is still to run."""
        self._is_over = True
        if is_closed:
            self.put({"type": "websocket.disconnect", "code": CloseCode.BROKEN})
        elif self.task is not None and not self._is_leaving:
            self.has_ended = True
            self.task.cancel()

    # -- events in ------------------------------------------------------------------------------

    def put(self, event: Content) -> None:
        """An event for the application, to be handled after those before it."""
        if event["type"] == "websocket.receive":
            arrival = self._arrivals.note_frame(event["order"])
            if arrival is Arrival.TOO_FAR:
                self._lose_frames()
            if arrival is not Arrival.NEXT:
                return
        elif event["type"] == "websocket.disconnect":
            self._is_leaving = True
        self._append(event)

    def _lose_frames(self) -> None:
        """A frame has got lost on its way: the instance can't go on as if nothing had been."""
        if self._is_over:
            return
        logger.error(
            "%s is closed with 1012: a frame for it got lost, as a connection to the layer broke",
            self.channel_name,
        )
        # Without a claim: if it is another worker's by now, or closed, the server takes no notice.
        self._end_with(CloseCode.SERVICE_RESTART)

    def put_message(self, message: Content, place: int) -> None:
        """A message to the instance, and its number among those of its server."""
        if self._arrivals.note_message(place) is Arrival.NEXT:
            self._append((place, message))

    def _append(self, event: Content | tuple[int, Content]) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def receive(self) -> Content:
        """Return the next event. That it is called means that the one before it was handled."""
        if self._is_checkpointed:
            self._send_checkpoint()
        if self._is_asked:
            self._is_asked = False
            tell_of_open_connect(self._consumer or self._host.application, self._opening["path"])
        while True:
            if self.has_ended:
                raise StopConsumer
            while not self._events:
                self._waiter = self._host.loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            event = self._events.popleft()
            if isinstance(event, tuple):
                self._place, message = event
                return message
            kind = event["type"]
            if kind == "websocket.receive":
                self._taken = event["order"]
                return frame_of(event)
            if kind == hosting.FENCE:
                await self._hand_over()
                continue
            if kind == "websocket.disconnect":
                self.has_ended = self._is_over = True
                return {"type": kind, "code": event["code"]}
            self._is_asked = kind == "websocket.connect"
            return event

    @property
    def waits_for_others(self) -> bool:
        """Whether no handler runs, and it could move: it only waits for its interface server to
        hold what comes for it, or for the layer to take it."""
        return self.stays is None and (self._waiter is not None or self._is_on_its_way)

    async def _hand_over(self) -> None:
        """Send the instance to another worker, and end here; or claim the socket again."""
        state = await self._pack()
        if state is None:
            self._host.mover.note(STAYED)
            self._claim(stays=True)
            return
        self._host.mover.note(GIVEN)
        self._is_over = self.has_ended = self._is_on_its_way = True
        instance = self._as_message(state)
        self._tell_of_it(hosting.HAND_OVER, {"instance": instance})
        # Or the next owner's claim could overtake what this one has sent, which would be dropped.
        await self._lane.wait_until_sent()
        await self._host.send_to_others(instance)
        raise HandedOver

    def _as_message(self, state: PackedState) -> Content:
        """What another worker goes on from."""
        return {
            "reply_channel": self.channel_name,
            "opening": self._opening,
            "number": self.number + 1,
            "order": self._taken,
            "place": self._place,
            "state": state,
        }

    async def _pack(self) -> PackedState | None:
        """The state of the instance; None, with the reason in `stays`, if it can't travel."""
        if self._baseline is None or self._consumer is None or self._others:
            self.stays = f"the application for {self._opening['path']} is not one class consumer"
            return None
        try:
            return await self._baseline.pack(self._consumer)
        except CannotTravel as error:
            self.stays = explain(self._consumer, error)
        except Exception as error:
            self.stays = f"hand_over() of {type(self._consumer).__qualname__} failed: {error!r}"
        return None

    # -- events out -----------------------------------------------------------------------------

    async def send(self, event: Content) -> None:
        """The application's `send`."""
        self._check(event)
        self._put(event)
        if self._lane.is_full:
            await self._lane.wait_for_room()

    def _send_from_thread(self, event: Content) -> None:
        """The same for sync handlers."""
        self._check(event)
        self._host.loop.call_soon_threadsafe(self._put, event)

    def _check(self, event: Content) -> None:
        self._is_asked = False
        check_event(event, self.channel_name)
        if event["type"] == "websocket.send" and event.get("text", event.get("bytes")) is None:
            tell_of_no_frame(self._consumer or self._host.application, event)

    def _put(self, event: Content) -> None:
        if self._is_over:
            return
        if event["type"] == "websocket.accept":
            self.claim_again()  # the first claim may be lost, with a connection of the server
        if self._is_checkpointed:
            self._unsent.append(event)
        else:
            self._tell({**event, "from": self._host.queue})

    def _tell(self, message: Content) -> None:
        self._lane.put(self._client, message)

    def _send_checkpoint(self) -> None:
        """Send what the instance is now, together with what it has sent since the last time."""
        events, self._unsent = self._unsent, []
        consumer, baseline = self._consumer, self._baseline
        if consumer is None or baseline is None or self._is_over:
            return
        try:
            state = baseline.pack_at_once(consumer)
        except CannotTravel as error:
            logger.error("no checkpoints are made any more: %s", explain(consumer, error))
            self._is_checkpointed = False
            for event in events:
                self._put(event)
            return
        at = (self._taken, self._place)
        if events or state != self._checkpoint or at != self._checkpoint_at:
            self._tell(self._checkpoint_message(state, events))
            self._checkpoint, self._checkpoint_at = state, at

    def _checkpoint_message(self, state: PackedState, events: list[Content]) -> Content:
        message = {
            "type": hosting.CHECKPOINT,
            "from": self._host.queue,
            "state": state,
            "order": self._taken,
            "place": self._place,
            "events": events,
        }
        if self._checkpoint is None:  # the interface server keeps it
            message["opening"] = self._opening
        return message

    # -- the consumer -----------------------------------------------------------------------------

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Where sync handlers run."""
        return self._host.threads

    async def attach(self, consumer: AsyncConsumer) -> None:
        """The consumer is about to begin: put back what it had, if it comes from elsewhere."""
        if self._consumer is not None:
            self._others += 1
            return
        self._consumer = consumer
        if getattr(consumer.base_send, "awaitable", None) == self.send:
            consumer.base_send = self._send_from_thread
        self._baseline = Baseline(consumer)
        self._is_checkpointed = bool(getattr(consumer, "checkpoint", False))
        self._handles = find_own_events(type(consumer))
        if self._resumed is not None:
            await self._resume(consumer, self._resumed)
        elif self._is_checkpointed or self._handles:
            self._claim()

    async def _resume(self, consumer: AsyncConsumer, message: Content) -> None:
        self._resumed = None
        await put_back(consumer, message["state"])
        self._is_resuming = False
        self._claim()
        await say_resumed(consumer)
