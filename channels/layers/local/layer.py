"""`LocalChannelLayer`: the verbs for threads and for coroutines, each over one transaction."""

import asyncio
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from channels.exceptions import LayerUnavailable
from channels.layers import operations as ops
from channels.layers.contract import OnReply, Reader, ServerLink
from channels.layers.entries import LayerOverEntries
from channels.layers.local.database import Database
from channels.layers.local.housekeeping import Housekeeping
from channels.layers.local.link import LocalLink
from channels.layers.local.places import PREFIX, check_prefix, choose_folder, sum_memory
from channels.layers.local.process_link import LocalProcessLink
from channels.layers.local.queues import Settings, StoredEntry
from channels.layers.local.reader import LocalReader, Search, search, search_async
from channels.layers.local.servers import reply_queues
from channels.layers.local.steps import LocalSteps
from channels.layers.local.store import Store
from channels.layers.local.wakeups import Address, Bells, TaskSleeper, ThreadSleeper
from channels.layers.local.worker_link import LocalWorkerLink
from channels.layers.process_link import Deliver, ProcessLink
from channels.layers.trouble import Trouble
from channels.layers.worker_link import OnMessage, WorkerLink

Result = TypeVar("Result")
SleeperKind = TypeVar("SleeperKind", TaskSleeper, ThreadSleeper)

#: A worker shows that it lives this often, in seconds; that it does is seen at once.
REGISTER_EVERY_S = 2.0


class LocalChannelLayer(LayerOverEntries[LocalSteps]):
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

    entry_class = StoredEntry

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
        self.prefix = check_prefix(prefix)
        self.folder = choose_folder(folder, prefix)
        self.clock = clock
        self.steps = LocalSteps()
        self.database = Database(self.folder, sum_memory(channel_memory, group_memory))
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

    def run(self, step: Callable[[Store], Result]) -> Result:
        """Call `step(store)` in a transaction, and wake those for whom there is something.

        Raises LayerUnavailable, after which nothing of it was done.
        """
        try:
            address = self.address
            with self.database.transaction() as sql:
                store = Store(sql, self._settings, self.clock(), address)
                result = step(store)
                store.save()
                rings = store.choose_whom_to_wake()
        except LayerUnavailable as error:
            self._trouble.note(error)
            raise
        if self._trouble.is_on:
            self._trouble.note_success()
        for name, sleeper in rings:
            if not self.bells.ring(sleeper):
                self._ring_another(name, sleeper)
        for name, count in store.queues.expired.items():
            self.tell_expired(name, count)
        return result

    def _ring_another(self, name: str, dead: str) -> None:
        def again(store: Store) -> None:
            store.servers.unsubscribe(dead)
            store.queues.ready.append(name)

        self.run(again)

    # -- channels -----------------------------------------------------------------------------

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

    # -- flush, statistics ----------------------------------------------------------------------

    def flush(self) -> None:
        for address in self.run(self.steps.flush()):
            self.bells.ring(address)

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

    # -- what workers call ------------------------------------------------------------------------

    def apply(self, operations: Iterable[Any]) -> list[Any]:
        return self.results(self.run(lambda store: self.carry_out(store, operations)))

    def carry_out(self, store: Store, operations: Iterable[Any]) -> list[Any]:
        """The results of operations, with Entries for what was set free."""
        results: list[Any] = ops.carry_out_in_rows(operations, store.carry_out, self.hold_back)
        return results

    def open_reader(self, channels: Sequence[str]) -> Reader:
        return LocalReader(self, self.check_receive_names(channels))

    def check_neighbours(self) -> None:
        for kind in ("server", "worker"):
            self.check_project(kind, self.living(kind))

    def keep_house(self, worker_id: str, facts: Mapping[str, Any], channels: Iterable[str]) -> None:
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

    def count_undecodable(self, queue: str) -> None:
        self.run(lambda store: store.queues.get(queue).add("undecodable_count", 1))

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
