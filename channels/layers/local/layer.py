"""`LocalChannelLayer`: the verbs for threads and for coroutines, each over one transaction."""

import asyncio
import os
import re
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from channels.exceptions import LayerUnavailable, PrefixTaken
from channels.layers import names
from channels.layers import operations as ops
from channels.layers.base import BaseChannelLayer
from channels.layers.codec import UndecodableMessage
from channels.layers.contract import OnReply, Reader, ServerLink
from channels.layers.local.database import Database
from channels.layers.local.housekeeping import Housekeeping
from channels.layers.local.link import LocalLink
from channels.layers.local.process_link import LocalProcessLink
from channels.layers.local.queues import Settings, StoredEntry
from channels.layers.local.reader import LocalReader, Search, search, search_async
from channels.layers.local.servers import reply_queues
from channels.layers.local.store import Store
from channels.layers.local.wakeups import (
    LONGEST_PATH,
    Address,
    Bells,
    TaskSleeper,
    ThreadSleeper,
)
from channels.layers.local.worker_link import LocalWorkerLink
from channels.layers.memory.queues import Entry
from channels.layers.process_link import Deliver, ProcessLink
from channels.layers.trouble import Trouble
from channels.layers.worker_link import OnMessage, WorkerLink
from channels.startup.identity import project_marks

Result = TypeVar("Result")
SleeperKind = TypeVar("SleeperKind", TaskSleeper, ThreadSleeper)

#: The prefix of asgi_ipc 1.x, and what one may look like.
PREFIX = "asgi"
_PREFIX = re.compile(r"[a-zA-Z0-9_.-]{1,40}")
#: A worker shows that it lives this often, in seconds; that it does is seen at once.
REGISTER_EVERY_S = 2.0


class LocalChannelLayer(BaseChannelLayer):
    """A channel layer for the processes of one machine, without a server.

    Messages lie in an SQLite file; whoever waits for one is woken over a Unix socket beside it.

    Args:
        prefix: tells the layers of one user apart: two projects need two. Letters, digits, "-",
            "_" and ".".
        folder: where file and sockets lie; default: one for this user and prefix in the folder for
            temporary files (TMPDIR), which is empty after a restart of the machine on many systems.
        channel_memory, group_memory: of asgi_ipc: bytes that messages and groups may take.
            Together they limit the size of the file; default: as much as the disk has.
        clock: function that returns the time in seconds; for tests. After a jump of it, call
            `wake_all()`.
        expiry, group_expiry, capacity, channel_capacity, channel_expiry, acknowledged: see
            BaseChannelLayer.
    """

    extensions = (
        "groups",
        "flush",
        "statistics",
        "async",
        "delay",
        "sessions",
        "ordering",
        "presence",
        "acknowledged",
        "status",
    )
    is_local = False

    def __init__(
        self,
        *,
        prefix: str = PREFIX,
        folder: str | os.PathLike[str] | None = None,
        channel_memory: int | None = None,
        group_memory: int | None = None,
        clock: Callable[[], float] = time.time,
        **config: Any,
    ) -> None:
        super().__init__(**config)
        self.prefix = _check_prefix(prefix)
        self.folder = _choose_folder(folder, prefix)
        self.clock = clock
        self.database = Database(self.folder, _sum_memory(channel_memory, group_memory))
        self.bells = Bells(self.folder)
        self._trouble = Trouble(f"the channel layer in {self.folder}")
        self._settings = Settings(
            self.get_capacity, self.get_expiry, self.get_acknowledgement, self.group_expiry
        )
        self._life: Address | None = None
        self._life_guard = threading.Lock()
        self._here = threading.local()
        self._sleepers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[TaskSleeper]] = (
            weakref.WeakKeyDictionary()
        )
        self._next_entry_s = 0.0

    # -- transactions -------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The address of this process: others see by it that the process lives."""
        life = self._life
        if life is None or life.pid != os.getpid():
            with self._life_guard:
                if self._life is None or self._life.pid != os.getpid():
                    with self.database.explained():
                        self.database.make_ready()
                        self._life = Address(self.folder)
                life = self._life
        return life.name

    def make_reachable(self) -> None:
        """Take a new address if somebody has removed the folder with the old one."""
        life = self._life
        if life is not None and not life.is_there():
            self._life = None

    def run(self, function: Callable[[Store], Result]) -> Result:
        """Call `function(store)` in a transaction, and wake those for whom there is something.

        Raises LayerUnavailable, after which nothing of it was done.
        """
        try:
            address = self.address
            with self.database.transaction() as sql:
                store = Store(sql, self._settings, self.clock(), address)
                result = function(store)
                store.save()
                rings = _choose_whom_to_wake(store)
        except LayerUnavailable as error:
            self._trouble.note(error)
            raise
        if self._trouble.is_on:
            self._trouble.note_success()
        for name, sleeper in rings:
            if not self.bells.ring(sleeper):
                self._ring_another(name, sleeper)
        for name, count in store.queues.expired.items():
            self._tell_expired(name, count)
        return result

    def _ring_another(self, name: str, dead: str) -> None:
        def again(store: Store) -> None:
            store.servers.unsubscribe(dead)
            store.queues.ready.append(name)

        self.run(again)

    def _tell_expired(self, name: str, count: int) -> None:
        self.drops.warn(
            name,
            "expired",
            count,
            "%d message(s) on %s expired unread (they live %s s): add workers, or raise its expiry",
            count,
            name,
            self.get_expiry(name),
        )

    # -- channels -----------------------------------------------------------------------------

    def send(self, channel: str, message: Any, delay_s: float = 0.0) -> None:
        self._apply_one(self.prepare_send(channel, message, delay_s))

    async def asend(self, channel: str, message: Any, delay_s: float = 0.0) -> None:
        self.send(channel, message, delay_s)

    def receive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        channels = self.check_receive_names(channels)
        while True:
            entry = self._search(channels) if block else self.run(lambda s: s.take(channels))
            delivery = self.delivery(entry)
            if delivery is not None:
                return delivery.channel, delivery.content
            if not block:
                return None, None

    def _search(self, channels: Sequence[str]) -> StoredEntry | None:
        quest = Search(self, channels, lambda store: store.take(channels))
        return search(quest, self.thread_sleeper(), None)

    async def areceive(self, channels: Sequence[str], block: bool = False) -> tuple[Any, Any]:
        if not block:
            return self.receive(channels)
        channels = self.check_receive_names(channels)
        idle = self._sleepers.setdefault(asyncio.get_running_loop(), [])
        sleeper = idle.pop() if idle else self.make_sleeper(TaskSleeper)
        try:
            while True:
                quest = Search(self, channels, lambda store: store.take(channels))
                entry = await search_async(quest, sleeper)
                delivery = self.delivery(entry)
                if delivery is not None:
                    return delivery.channel, delivery.content
        finally:
            idle.append(sleeper)

    # -- groups -------------------------------------------------------------------------------

    def group_add(self, group: str, channel: str) -> None:
        names.check_group_name(group)
        names.check_channel_name(channel)
        self.run(lambda store: store.groups.add(group, channel))

    def group_discard(self, group: str, channel: str) -> None:
        names.check_group_name(group)
        names.check_channel_name(channel)
        self.run(lambda store: store.groups.discard(group, channel))

    def group_discard_all(self, channel: str) -> list[str]:
        names.check_channel_name(channel)
        return self.run(lambda store: store.groups.discard_all(channel))

    def group_channels(self, group: str) -> list[str]:
        names.check_group_name(group)
        members = self.run(lambda store: store.groups.members(group))
        return [queue + client for queue, clients in members.items() for client in clients]

    def send_group(self, group: str, message: Any) -> None:
        self._apply_one(self.prepare_send_group(group, message))

    async def agroup_add(self, group: str, channel: str) -> None:
        self.group_add(group, channel)

    async def agroup_discard(self, group: str, channel: str) -> None:
        self.group_discard(group, channel)

    async def agroup_channels(self, group: str) -> list[str]:
        return self.group_channels(group)

    async def asend_group(self, group: str, message: Any) -> None:
        self.send_group(group, message)

    # -- flush, statistics ----------------------------------------------------------------------

    def flush(self) -> None:
        for address in self.run(lambda store: store.flush() + store.servers.addresses()):
            self.bells.ring(address)

    def channel_statistics(self, channel: str) -> dict[str, float]:
        queue = names.queue_name(names.check_channel_name(channel))
        return self.run(lambda store: store.channel_statistics(queue))

    def global_statistics(self) -> dict[str, float]:
        return self.run(lambda store: store.global_statistics())

    def status(self, names_age_s: float = 0.0) -> dict[str, Any]:
        def look(store: Store) -> dict[str, list[dict[str, Any]]]:
            servers = self._processes(store, "server")
            for server in servers:
                server["sockets"] = store.servers.count_sockets(reply_queues(server["id"])[1])
            return {
                "servers": servers,
                "workers": self._processes(store, "worker"),
                "channels": store.channels_status(),
                "groups": store.groups_status(),
            }

        return self.run(look)

    def living(self, kind: str) -> list[dict[str, Any]]:
        """The living processes of a kind, "server" or "worker", with their facts."""
        return self.run(lambda store: self._processes(store, kind))

    def living_workers(self) -> list[dict[str, Any]]:
        return self.living("worker")

    def _processes(self, store: Store, kind: str) -> list[dict[str, Any]]:
        return [
            {
                "id": process_id,
                "seen_s": max(store.now - seen_at, 0.0),
                **self.codec.unpack_value(facts),
            }
            for process_id, address, seen_at, facts in store.servers.processes(kind)
            if self.bells.is_alive(address)
        ]

    # -- dead letters ---------------------------------------------------------------------------

    def dead_letter_channels(self) -> list[str]:
        return self.run(lambda store: store.dead_letter_queues())

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        queue = names.queue_name(names.check_channel_name(channel))
        letters = self.run(lambda store: store.dead_letters(queue))
        return [
            {
                "id": str(letter_id),
                "at": at,
                "reason": reason,
                "attempts": attempts,
                "content": self._content(payload),
            }
            for letter_id, at, reason, attempts, payload in letters
        ]

    def _content(self, payload: bytes) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = self.codec.unpack_message(payload)
        except UndecodableMessage:
            return None
        return content

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None = None) -> int:
        queue = names.queue_name(names.check_channel_name(channel))
        return self.run(lambda store: store.replay(queue, ids))

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None = None) -> int:
        queue = names.queue_name(names.check_channel_name(channel))
        return len(self.run(lambda store: store.exhume(queue, ids)))

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations: Iterable[Any]) -> list[Any]:
        return self.results(self.run(lambda store: self.carry_out(store, operations)))

    def carry_out(self, store: Store, operations: Iterable[Any]) -> list[Any]:
        """The results of operations, with Entries for what was set free."""
        results: list[Any] = ops.carry_out_in_rows(operations, store.carry_out, self.hold_back)
        return results

    def results(self, results: list[Any]) -> list[Any]:
        """The same with Deliveries."""
        if not any(results):
            return results
        return [self.delivery(each) if isinstance(each, Entry) else each for each in results]

    def open_reader(self, channels: Sequence[str]) -> Reader:
        return LocalReader(self, self.check_receive_names(channels))

    def load_session(self, reply_channel: str) -> dict[str, Any]:
        names.check_channel_name(reply_channel)
        packed = self.run(lambda store: store.sockets.load(reply_channel))
        return {key: self.codec.unpack_value(value) for key, value in packed.items()}

    def begin_ordered(
        self, delivery: ops.Delivery, reply_channel: str, order: int, owner: str
    ) -> ops.Turn:
        entry = delivery.token
        if entry is None:
            entry = self._adopt(delivery)
        return self.run(lambda store: store.begin_ordered(entry, reply_channel, order, owner))

    def _adopt(self, delivery: ops.Delivery) -> StoredEntry:
        """The entry of a delivery that was not received: a test called the consumer itself."""
        name, client = names.split_local(delivery.channel)
        payload = self.codec.pack_message(delivery.content, delivery.channel)
        now = self.clock()
        expires_at = now + self.get_expiry(name)
        return StoredEntry(name, (client,), payload, now, expires_at, delivery.attempts)

    def is_read(self, channel: str) -> bool:
        queue, client = names.split_local(names.check_channel_name(channel))
        return not self.run(lambda store: store.servers.is_gone(queue, client))

    def check_neighbours(self) -> None:
        marks = project_marks()

        def look(store: Store) -> list[tuple[str, dict[str, Any]]]:
            return [
                (kind, process)
                for kind in ("server", "worker")
                for process in self._processes(store, kind)
            ]

        for kind, process in self.run(look):
            theirs = process.get("project")
            if theirs and marks and not set(theirs) & set(marks):
                who = f"{kind} {process['id']} (pid {process.get('pid')})"
                raise PrefixTaken(self.prefix, who, "is of another project")

    def keep_house(self, worker_id: str, facts: Any, channels: Iterable[str]) -> None:
        self.drops.sum_up()
        self.make_reachable()

        def keep(store: Store) -> None:
            if time.monotonic() >= self._next_entry_s:
                packed = self.codec.pack_value(dict(facts), "facts of a process")
                store.servers.enter("worker", worker_id, store.owner, packed)
            self.housekeeping(store).keep()

        self.run(keep)
        if time.monotonic() >= self._next_entry_s:
            self._next_entry_s = time.monotonic() + REGISTER_EVERY_S
            self.bells.remove_dead()

    def housekeeping(self, store: Store) -> Housekeeping:
        """What is to be done in a transaction for those who can't."""
        return Housekeeping(store, self.bells.is_alive, self.codec.pack_message, self.group_expiry)

    def leave_house(self, worker_id: str) -> None:
        self.run(lambda store: store.servers.leave("worker", worker_id))

    # -- what interface servers call --------------------------------------------------------------

    def open_link(
        self, server_id: str, on_reply: OnReply, on_lost: Callable[[], None]
    ) -> ServerLink:
        return LocalLink(self, server_id, on_reply, on_lost)

    def open_worker_link(self, worker_id: str, on_message: OnMessage) -> WorkerLink:
        return LocalWorkerLink(self, worker_id, on_message)

    def open_process_link(
        self, queue: str, deliver: Deliver, on_lost: Callable[[], None]
    ) -> ProcessLink:
        return LocalProcessLink(self, queue, deliver, on_lost)

    # -- the end ----------------------------------------------------------------------------------

    def close(self) -> None:
        sleeper = getattr(self._here, "sleeper", None)
        if sleeper is not None:
            sleeper.close()
            self._here.sleeper = None
        with self._life_guard:
            life, self._life = self._life, None
        if life is not None:
            life.close()
        self.bells.close()
        self.database.close()

    async def aclose(self) -> None:
        for sleeper in self._sleepers.pop(asyncio.get_running_loop(), []):
            sleeper.close()

    # -- for tests --------------------------------------------------------------------------------

    def wake_all(self) -> None:
        """Make everyone who waits look again: the `clock` has jumped."""
        for address in self.run(lambda store: store.servers.addresses()):
            self.bells.ring(address)

    # -- inside -----------------------------------------------------------------------------------

    def _apply_one(self, operation: Any) -> None:
        (refusal,) = self.run(lambda store: [store.carry_out(operation)])
        if refusal is not None:
            raise refusal

    def thread_sleeper(self) -> ThreadSleeper:
        """This thread's place to sleep."""
        sleeper: ThreadSleeper | None = getattr(self._here, "sleeper", None)
        if sleeper is None or sleeper.address.pid != os.getpid():
            sleeper = self._here.sleeper = self.make_sleeper(ThreadSleeper)
        return sleeper

    def make_sleeper(self, kind: type[SleeperKind]) -> SleeperKind:
        """A new place to sleep. Raises LayerUnavailable."""
        with self.database.explained():
            self.database.make_ready()
            return kind(self.folder, self.bells)

    def delivery(self, entry: Entry | None) -> ops.Delivery | None:
        """The Delivery of an entry; None if there is none, or if it can't be read."""
        if entry is None:
            return None
        try:
            content = self.codec.unpack_message(entry.payload)
        except UndecodableMessage as error:
            self._tell_undecodable(entry, error)
            return None
        return ops.Delivery(entry.channel, content, entry.attempts, token=entry)

    def _tell_undecodable(self, entry: Entry, error: Exception) -> None:
        self.run(lambda store: store.queues.get(entry.queue).add("undecodable_count", 1))
        self.drops.error(
            entry.queue,
            "undecodable",
            1,
            "a message on %s can't be read and is dropped: %s",
            entry.queue,
            error,
        )


def _choose_whom_to_wake(store: Store) -> list[tuple[str, str]]:
    """The (queue, address) of a sleeper for each message that is new, as far as there are any."""
    rings: list[tuple[str, str]] = []
    nobody: set[str] = set()
    for name in store.queues.ready:
        if name in nobody:
            continue
        address = store.servers.find_waiting(name)
        if address is None:
            nobody.add(name)
        else:
            store.servers.stop_waiting(address)
            rings.append((name, address))
    return rings


def _check_prefix(prefix: object) -> str:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ValueError(
            "prefix must be up to 40 letters, digits, '-', '_' and '.', as it is part of the name "
            f"of a folder; got {prefix!r}"
        )
    return prefix


def _choose_folder(folder: str | os.PathLike[str] | None, prefix: str) -> Path:
    if folder is None:
        folder = Path(tempfile.gettempdir(), f"channels-{os.getuid()}-{prefix}")
    path = Path(folder).absolute()
    if len(os.fsencode(path)) > LONGEST_PATH - 32:
        raise ValueError(
            f"folder must have a path of at most {LONGEST_PATH - 32} bytes, as Unix sockets lie in "
            f"it; got {os.fspath(path)!r}"
        )
    return path


def _sum_memory(channel_memory: int | None, group_memory: int | None) -> int | None:
    for name, value in (("channel_memory", channel_memory), ("group_memory", group_memory)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name} must be a number of bytes, got {value!r}")
    if channel_memory is None and group_memory is None:
        return None
    return (channel_memory or 0) + (group_memory or 0)
