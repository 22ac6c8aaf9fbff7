"""The owners of a process's sockets: what goes to them, and what they ask for."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from channels.exceptions import ChannelFull, LayerUnavailable
from channels.layers import hosting, names
from channels.layers.backoff import Backoff
from channels.layers.recent import Recent
from channels.layers.time_limit import within
from channels.messages import CloseCode, Content, WebsocketReceive
from interface_server.owners.ownership import Ownership
from interface_server.owners.sending import RETRY_S, OwnerSender
from interface_server.owners.watch import OwnerWatch
from interface_server.replies import BadReply, log_bad_reply, read_event

if TYPE_CHECKING:
    from interface_server.process import ServerProcess
    from interface_server.websocket import Socket

logger = logging.getLogger("interface_server")

#: A client with too many frames that may have to be sent again is looked at this often.
FRAMES_PAUSE_S = 0.05
#: The disconnect of a socket that nobody owns waits so long for somebody who takes it over.
DISCONNECT_PATIENCE_S = 60.0
#: Messages for a socket's instance that are kept until its handshake is with a worker.
MOST_EARLY = 100


class Owners:
    """Who hosts the sockets of one process. Used on its event loop.

    Attributes:
        by_client: the Ownerships of the sockets that workers host; of functions' sockets there is
            nothing here.
    """

    def __init__(self, process: ServerProcess) -> None:
        self._process = process
        self.by_client: dict[str, Ownership] = {}
        #: What has come for sockets that are still connecting.
        self._early: dict[str, list[Content]] = {}
        #: Set when a socket that is held has an owner again.
        self._released: dict[str, asyncio.Event] = {}
        #: What instances of this process's sockets want to see before it goes to the client.
        self._handled: set[str] = set()
        #: Whom the disconnects of sockets went to of late.
        self._departed: Recent[str, tuple[str, int]] = Recent(hosting.COPIES_LIVE_S)
        #: The numbers of messages to instances.
        self._places = itertools.count(1)
        self._sender = OwnerSender(process)
        self._watch = OwnerWatch(process, self)
        self._controls: dict[str, Callable[[str, Content], None]] = {
            hosting.OWN: self._claim,
            hosting.OWN_REQUEST: self._claim_request,
            hosting.HOLD: self._hold,
            hosting.HAND_OVER: self._note_hand_over,
            hosting.CHECKPOINT: self._note_checkpoint,
        }

    def queues(self) -> set[str]:
        """The queues of all owners."""
        return {one.queue for one in self.by_client.values() if one.is_in_hand}

    # -- messages with a type -------------------------------------------------------------------

    def dispatch(self, clients: Sequence[str], message: Content) -> None:
        """Do what a message with a `type` asks for."""
        kind = message["type"]
        control = self._controls.get(kind)
        if control is not None:
            for client in clients:
                control(client, message)
        elif not (isinstance(kind, str) and kind.startswith("websocket.")):
            self._forward(clients, message)
        elif kind in self._handled and "from" not in message:
            self._let_handle(clients, message)
        else:
            self._deliver(clients, message)

    def _let_handle(self, clients: Sequence[str], message: Content) -> None:
        """Pass an event for the clients on to the instances that want to see it first; to the
        clients of the others it goes at once."""
        handled: list[str] = []
        others: list[str] = []
        for client in clients:
            ownership = self.by_client.get(client)
            wants_it = ownership is not None and message["type"] in ownership.handles
            (handled if wants_it else others).append(client)
        if handled:
            self._forward(handled, message)
        if others:
            self._deliver(others, message)

    def _deliver(self, clients: Sequence[str], message: Content) -> None:
        """Pass an event of ASGI on to the clients."""
        try:
            reply = read_event(message)
        except BadReply as error:
            log_bad_reply(error, self._reply_channel(clients[0]), "it was ignored")
            return
        for client in clients:
            socket = self._process.sockets.get(client)
            if socket is None or not self._is_by_owner(client, message):
                continue
            if "from" not in message and self.keeps_for_later(socket, message):
                continue
            socket.deliver(reply)
            if message["type"] == "websocket.accept":
                self._release_answered(client)

    def keeps_for_later(self, socket: Socket, message: Content) -> bool:
        """Whether a message of somebody else waits until a socket's owner has accepted it: what is
        sent to a group does not answer the handshake of an instance."""
        ownership = self.by_client.get(socket.client) if socket.is_connecting else None
        if ownership is not None:
            ownership.keep_until_answered(message)
        return ownership is not None

    def _release_answered(self, client: str) -> None:
        ownership = self.by_client.get(client)
        for message in () if ownership is None else ownership.take_unanswered():
            self._process.dispatcher.dispatch([client], message)

    def _is_by_owner(self, client: str, message: Content) -> bool:
        """Whether a worker that sends as the owner is the owner, and says something new; it is told
        if it is not the owner."""
        sender = message.get("from")
        if sender is None:
            return True
        ownership = self.by_client.get(client)
        if ownership is not None and ownership.queue == sender:
            return ownership.hears(message)
        # If the socket is closed, its last owner has been told that already.
        number = None if ownership is None else ownership.number
        self._disown(client, sender, number, is_closed=False)
        return False

    def _disown(self, client: str, queue: str, number: int | None, *, is_closed: bool) -> None:
        self._sender.tell(queue, hosting.GONE, client, number=number, is_closed=is_closed)

    def _forward(self, clients: Sequence[str], message: Content) -> None:
        """Pass a message on to the instances of these sockets, in one push for each owner."""
        by_queue: dict[str, list[str]] = {}
        place = next(self._places)
        for client in clients:
            ownership = self.by_client.get(client)
            if ownership is None:
                self._keep_early(client, message)
            elif not ownership.is_held:
                by_queue.setdefault(ownership.queue, []).append(client)
                ownership.note_message(message, place)
            elif not ownership.keep(message):
                logger.error(
                    "a message for %s was dropped: too many wait for a worker that takes it over",
                    self._reply_channel(client),
                )
        for queue, some in by_queue.items():
            self._sender.post(queue, self._members(some, message, place), place)

    def _members(self, clients: Sequence[str], message: Content, place: int) -> Content:
        return {
            "type": hosting.MEMBERS,
            "server": self._reply_channel(""),
            "clients": clients,
            "message": message,
            "place": place,
        }

    def _keep_early(self, client: str, message: Content) -> None:
        socket = self._process.sockets.get(client)
        if socket is None:
            return
        if not socket.is_connecting:
            # A socket of functions: what it can use of a message, it is sent.
            self._process.dispatcher.deliver([socket], message)
            return
        early = self._early.setdefault(client, [])
        if len(early) < MOST_EARLY:
            early.append(message)

    # -- what owners ask for --------------------------------------------------------------------

    def _claim(self, client: str, message: Content) -> None:
        queue, number = message["queue"], message["number"]
        ownership = self.by_client.get(client)
        former = "" if ownership is None else ownership.queue
        if ownership is None:
            if client not in self._process.sockets:
                # One of several copies of an instance comes late: another one had the disconnect.
                is_closed = self._departed.get(client) in (None, (queue, number))
                self._disown(client, queue, number, is_closed=is_closed)
                return
            ownership = self.by_client[client] = Ownership(queue, number)
            self._watch.start()
        is_free = not ownership.is_held or ownership.ends_hold(message)
        if not ownership.claim(message):
            self._disown(client, queue, number, is_closed=False)
            return
        self._handled.update(ownership.handles)
        if former not in ("", queue):
            self._sender.tell(former, hosting.MOVED, client)
        if ownership.sent and ownership.is_held and is_free:
            self._process.spawn(self._replay(client, ownership))
        elif is_free:
            self._release(client, ownership)

    async def _replay(self, client: str, ownership: Ownership) -> None:
        """Send what the former owner may not have handled, before anything else; if this one dies
        as well, or is to hand the socket over, the next one is sent all of it."""
        queue, number = ownership.queue, ownership.number
        for sent in list(ownership.sent):
            if ownership.is_fenced or not ownership.is_of(queue, number):
                return
            if sent.order is None:
                message = self._members([client], sent.message, sent.place)
            else:
                message = ownership.address(sent.message)
            await self._sender.insist(queue + hosting.LOCAL_PART, message)
        if ownership.is_of(queue, number) and not ownership.is_fenced:
            self._release(client, ownership)

    def _release(self, client: str, ownership: Ownership) -> None:
        for waiting in (*self._early.pop(client, ()), *ownership.release()):
            self._forward([client], waiting)
        released = self._released.pop(client, None)
        if released is not None:
            released.set()

    def _claim_request(self, client: str, message: Content) -> None:
        replies = self._process.reply_queues.get(client)
        if replies is not None:
            replies.departure_channel = message["channel"]
        else:
            self._process.spawn(self._sender.tell_left(message["channel"]))

    def _hold(self, client: str, message: Content) -> None:
        queue, number = message["queue"], message["number"]
        ownership = self.by_client.get(client)
        if ownership is None or not ownership.is_of(queue, number):
            self._disown(client, queue, number, is_closed=False)
            return
        if client not in self._process.sockets and not ownership.is_held:
            return  # its disconnect is on its way to the owner, and the next one would not get it
        ownership.is_fenced = True
        self._hold_until_claimed(client, ownership)
        place = next(self._places)  # behind the messages that came before
        self._sender.tell(queue, hosting.FENCE, client, place, number=number)

    def _note_hand_over(self, client: str, message: Content) -> None:
        """The owner has let go of a socket: see that its instance gets to somebody."""
        ownership = self.by_client.get(client)
        if ownership is None or not ownership.hand_over(message):
            return
        is_free = self._is_free(client, ownership)
        self._process.spawn(self._sender.offer_again(message["instance"], is_free))

    def _is_free(self, client: str, ownership: Ownership) -> Callable[[], bool]:
        """Return what says whether nobody has taken a socket since now."""
        number = ownership.number
        return lambda: ownership.number == number and self.by_client.get(client) is ownership

    def _hold_until_claimed(self, client: str, ownership: Ownership) -> None:
        """Keep what comes for a socket, until another worker owns it; not for ever."""
        ownership.hold()
        released = self._released.setdefault(client, asyncio.Event())
        patience_s, number = self._process.options.websocket_patience_s, ownership.number
        self._process.loop.call_later(patience_s, self._give_up, client, number, released)

    def _give_up(self, client: str, number: int, released: asyncio.Event) -> None:
        """Close a socket that is held for too long: the same one, for the same owner."""
        ownership = self.by_client.get(client)
        socket = self._process.sockets.get(client)
        if ownership is None or socket is None or released.is_set():
            return
        if ownership.number == number:
            logger.error(
                "no worker has taken %s over within %.0f s: it is closed with 1012",
                socket.reply_channel,
                self._process.options.websocket_patience_s,
            )
            socket.close(CloseCode.SERVICE_RESTART)

    def _note_checkpoint(self, client: str, message: Content) -> None:
        if not self._is_by_owner(client, message):
            return
        ownership = self.by_client[client]
        ownership.note_checkpoint(message)
        for event in message["events"]:
            self._deliver([client], {**event, "from": message["from"]})

    # -- owners that die ------------------------------------------------------------------------

    def lose(self, queue: str) -> None:
        """An owner is dead: its sockets go on from their checkpoints, or are closed. Those that are
        closed already, with their disconnect on its way to the owner, need nobody else."""
        clients = [
            client
            for client, one in self.by_client.items()
            if one.queue == queue and one.is_in_hand
            if client in self._process.sockets or one.is_held
        ]
        resumed = sum(self._resume_from_checkpoint(client) for client in clients)
        logger.error(
            "the worker with the queue %s is dead: %d of its sockets go on from their last "
            "checkpoint with another worker, %d are closed with 1012",
            queue,
            resumed,
            len(clients) - resumed,
        )

    def _resume_from_checkpoint(self, client: str) -> bool:
        ownership, socket = self.by_client[client], self._process.sockets.get(client)
        message = ownership.disown(self._reply_channel(client))
        if message is None:
            ownership.is_lost = True
            if socket is not None:
                socket.close(CloseCode.SERVICE_RESTART)
            return False
        self._hold_until_claimed(client, ownership)
        self._process.spawn(self._sender.offer(message, self._is_free(client, ownership)))
        return True

    # -- what clients do ------------------------------------------------------------------------

    def send_frame(self, client: str, message: WebsocketReceive) -> asyncio.Future[None]:
        """Send a frame to the socket's owner; see ServerLink.send_frame."""
        ownership = self.by_client[client]
        if not ownership.takes_frames:
            return asyncio.ensure_future(self._send_to_owner(client, ownership, message))
        sent: asyncio.Future[None] = self._process.loop.create_future()
        ownership.note_frame(message)
        self._sender.send_frame(
            ownership.queue,
            ownership.address(message),
            sent,
            lambda: self._send_to_owner(client, ownership, message),
        )
        return sent

    async def _send_to_owner(
        self, client: str, ownership: Ownership, message: WebsocketReceive
    ) -> None:
        """Send a frame as soon as its owner has room for it; not for ever.

        It is sent again if it may have been sent: an owner knows a frame by its number.
        """
        deadline = self._process.loop.time() + self._process.options.websocket_patience_s
        backoff = Backoff(*RETRY_S)
        while True:
            while not ownership.takes_frames:
                if self.by_client.get(client) is not ownership:
                    raise LayerUnavailable("the socket is closed", was_sent=False)
                released = self._released.get(client)
                await (asyncio.sleep(FRAMES_PAUSE_S) if released is None else released.wait())
            try:
                channel = ownership.queue + hosting.LOCAL_PART
                await self._process.link.send(channel, ownership.address(message))
                ownership.note_frame(message)
                return
            except (ChannelFull, LayerUnavailable):
                if self._process.loop.time() >= deadline:
                    raise
            await asyncio.sleep(backoff.next_s())

    async def close_socket(self, client: str, message: Content) -> None:
        """Send a socket's disconnect to whoever consumes it; see ServerLink.close_socket."""
        ownership = self.by_client.get(client)
        self._early.pop(client, None)
        if ownership is None:
            await self._process.link.close_socket(client, message)
            return
        released = self._released.get(client)
        with contextlib.suppress(asyncio.TimeoutError):
            if ownership.is_held and not ownership.is_lost and released is not None:
                await within(DISCONNECT_PATIENCE_S, released.wait())
        message = {**message, "type": "websocket.disconnect", "number": ownership.number}
        channel = ownership.queue + hosting.LOCAL_PART
        try:
            await self._process.link.close_socket(client, message, channel)
            self._departed.note(client, (ownership.queue, ownership.number))
        finally:
            self.by_client.pop(client, None)
            released = self._released.pop(client, None)
            if released is not None:
                released.set()

    def stop(self) -> None:
        """Look after the owners no more."""
        self._watch.stop()

    def _reply_channel(self, client: str) -> str:
        return self._process.link.reply_channel(names.WEBSOCKET_SEND, client)
