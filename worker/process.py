"""A worker: consumer threads, and the thread that starts, watches and stops them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import types
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from channels.exceptions import LayerRefused, LayerUnavailable
from channels.layers.drops import Drops
from channels.layers.names import random_suffix
from channels.layers.worker_link import orders_queue
from channels.metrics import hooks
from channels.signals import worker_ready
from channels.startup.identity import describe_process
from channels.utils import name_that_thing
from worker.applications.host import GRACE_S, ApplicationHost
from worker.filters import filter_channels
from worker.loop import ConsumerThread

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer
    from channels.layers.operations import Delivery
    from channels.message import Message
    from channels.messages import Content
    from routing import Router
    from worker.applications.finding import Hosted


logger = logging.getLogger("django.channels")

#: Takes a consumer and returns one that is run instead.
Middleware: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

#: How often the watching thread looks after delayed messages, and its own entry in the registry.
HOUSEKEEPING_S = 2.0
#: While stopping, threads that wait are woken this often until they have noticed.
WAKE_EVERY_S = 0.02


class Worker:
    """Takes messages from a layer's channels and runs their consumers.

    Args:
        channel_layer: the layer with its routing, from `channel_layers[alias]`.
        callback: called as `callback(channel, message)` before each consumer.
        message_retries: how often a consumer may raise ConsumeLater for one message; default 10.
        signal_handlers: whether SIGTERM and SIGINT drain and stop the worker; default True.
        only_channels, exclude_channels: lists of channel name globs; default: every channel that
            has a consumer.
        threads: consumers that may run at the same time; default 1.
        middleware: callables, each of which takes a consumer and returns one that is run instead;
            default: those of MIDDLEWARE in CHANNEL_LAYERS.
        most_sockets: how many sockets it hosts at most; default: as many as there are.
        grace_s: how long what is hosted may go on once it stops.
        hosted: the Hosted application, which gets what no route takes; default: none.

    Raises ValueError if no channel is left to listen on.
    """

    def __init__(
        self,
        channel_layer: BaseChannelLayer,
        callback: Callable[[str, Message], Any] | None = None,
        message_retries: int = 10,
        signal_handlers: bool = True,
        only_channels: Sequence[str] | None = None,
        exclude_channels: Sequence[str] | None = None,
        *,
        threads: int = 1,
        middleware: Sequence[Middleware] | None = None,
        hosted: Hosted | None = None,
        most_sockets: int | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self.layer = cast(Any, channel_layer)
        self.channel_layer: BaseChannelLayer = getattr(self.layer, "channel_layer", self.layer)
        self.router: Router = self.layer.router
        self.callback = callback
        self.message_retries = message_retries
        self.signal_handlers = signal_handlers
        self.only_channels, self.exclude_channels = only_channels, exclude_channels
        self.id = f"{socket.gethostname()}-{os.getpid()}-{random_suffix(6)}"
        #: The queue in which this worker is told what to do.
        self.orders = orders_queue(self.id)
        self.thread_count = threads
        self.host = None if hosted is None else self._make_host(hosted, most_sockets, grace_s)
        self.channels = self._find_channels()
        self.middleware: tuple[Middleware, ...] = tuple(
            self.layer.middleware if middleware is None else middleware
        )
        self.stopping = threading.Event()
        #: Tells of messages that were lost.
        self.drops = Drops(logger)
        self.threads: list[ConsumerThread] = []
        self._wrapped: dict[Callable[..., Any], Callable[..., Any]] = {}
        self._stop_signals = 0
        self._started = time.time()
        #: When it last looked after itself, by the monotonic clock.
        self.looked_after_at = time.monotonic()

    def _make_host(
        self, hosted: Hosted, most_sockets: int | None, grace_s: float
    ) -> ApplicationHost:
        return ApplicationHost(
            self.channel_layer,
            hosted,
            self.id,
            threads=self.thread_count,
            most_sockets=most_sockets,
            grace_s=grace_s,
            on_room=self._apply_room,
        )

    def _find_channels(self) -> set[str]:
        """The channels to listen on. Raises ValueError if there are none."""
        known = self._all_channels()
        channels = set(self.apply_channel_filters(known))
        if not channels:
            raise ValueError(
                f"no channel to listen on: the project's are {', '.join(sorted(known)) or 'none'}; "
                f"only={self.only_channels}, exclude={self.exclude_channels} leave none of them"
            )
        return channels

    def _all_channels(self) -> set[str]:
        hosted = self.host.channels if self.host is not None else set()
        return self.router.channels | hosted

    def apply_channel_filters(self, channels: Iterable[str]) -> list[str]:
        """Return those of `channels` that this worker listens on, as a list."""
        return filter_channels(channels, self.only_channels, self.exclude_channels)

    def ready(self) -> None:
        """Say that the worker is set up: sends `worker_ready`."""
        worker_ready.send(sender=self)

    def note_run(
        self, delivery: Delivery, consumer: Callable[..., Any], since: float, ran_s: float
    ) -> None:
        """Tell whoever counts that `consumer` ran for `ran_s`, from `since` on."""
        waited_s = None if delivery.sent_at is None else max(since - delivery.sent_at, 0.0)
        hooks.meter.consumed(delivery.channel, consumer, waited_s, ran_s)
        if logger.isEnabledFor(logging.DEBUG):
            _tell_run(delivery.channel, consumer, waited_s, ran_s)

    def wrap(self, consumer: Callable[..., Any]) -> Callable[..., Any]:
        """Return `consumer` inside the middleware, the first one outermost; made once for each."""
        if consumer not in self._wrapped:
            wrapped = consumer
            for middleware in reversed(self.middleware):
                wrapped = middleware(wrapped)
            self._wrapped[consumer] = wrapped
        return self._wrapped[consumer]

    # -- life ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Consume until told to stop; then let what runs end, and return.

        Raises PrefixTaken if another project uses the same Redis in the same way.
        """
        if self.signal_handlers:
            self.install_signal_handler()
        self._check_neighbours()
        self._keep_house()  # who runs what must be known to live
        if self.host is not None:
            self.host.start()
        logger.info("listening on channels %s", ", ".join(sorted(self.channels)))
        self.threads = [ConsumerThread(self, n + 1) for n in range(self.thread_count)]
        for thread in self.threads:
            thread.start()
        while not self.stopping.wait(HOUSEKEEPING_S):
            self._keep_house()
            self._apply_room()
        self._drain()

    def channels_with_room(self) -> set[str]:
        """The channels that it listens on just now: all, but for those of sockets if it is full."""
        return self.channels if self.host is None else self.channels - self.host.find_closed()

    def _apply_room(self) -> None:
        """Wake the threads that wait for what there is no room for, or not for what there is."""
        channels = self.channels_with_room()
        for thread in self.threads:
            if thread.running is None and thread.channels != channels:
                self._interrupt(thread)

    def _check_neighbours(self) -> None:
        try:
            self.channel_layer.check_neighbours()
        except LayerRefused:
            raise
        except LayerUnavailable as error:
            logger.debug("who else uses the layer is not known: %s", error)

    def _keep_house(self) -> None:
        self.drops.sum_up()
        try:
            self.channel_layer.keep_house(self.id, self.facts(), self.channels)
        except LayerUnavailable:
            pass
        except Exception:
            logger.exception("looking after the layer failed; trying again")
        self.looked_after_at = time.monotonic()

    def _drain(self) -> None:
        """Wake the threads that wait, and wait for those that work."""
        logger.info("told to stop; %d consumer(s) running, which may end", len(self._running()))
        next_housekeeping = time.monotonic() + HOUSEKEEPING_S
        leaving = self._start_handing_over()
        while any(thread.is_alive() for thread in (*self.threads, *leaving)):
            if time.monotonic() >= next_housekeeping:
                self._keep_house()
                next_housekeeping = time.monotonic() + HOUSEKEEPING_S
            for thread in self.threads:
                if thread.is_alive() and thread.running is None:
                    self._interrupt(thread)
            for leaver in (*self.threads, *leaving):
                leaver.join(WAKE_EVERY_S)
        try:
            self.channel_layer.leave_house(self.id)
        except LayerUnavailable as error:
            logger.debug("the worker could not say goodbye to the layer: %s", error)

    def _start_handing_over(self) -> list[threading.Thread]:
        """Begin to hand over the sockets that are hosted here; return the threads that do it."""
        if self.host is None:
            return []
        thread = threading.Thread(target=self.host.stop, name="hand-over", daemon=True)
        thread.start()
        return [thread]

    @staticmethod
    def _interrupt(thread: ConsumerThread) -> None:
        try:
            thread.interrupt()
        except LayerUnavailable as error:
            logger.debug("could not wake %s: %s", thread.name, error)

    def facts(self) -> dict[str, Any]:
        """What the registry shows of this worker."""
        return {
            **describe_process(),
            "started": self._started,
            "channels": sorted(self.channels),
            "threads": self.thread_count,
            **(self.host.facts if self.host is not None else {}),
            "running": [
                {"channel": channel, "consumer": name_that_thing(consumer), "since": since}
                for channel, consumer, since in self._running()
            ],
        }

    def _running(self) -> list[tuple[str, Callable[..., Any], float]]:
        return [running for thread in self.threads if (running := thread.running)]

    # -- stopping -------------------------------------------------------------------------------

    def install_signal_handler(self) -> None:
        """Let SIGTERM and SIGINT stop the worker; only possible in the main thread."""
        signal.signal(signal.SIGTERM, self.sigterm_handler)
        signal.signal(signal.SIGINT, self.sigterm_handler)

    def sigterm_handler(self, signo: int, stack_frame: types.FrameType | None) -> None:
        """Stop after what runs has ended; at the third signal, at once."""
        self._stop_signals += 1
        if self._stop_signals > 2:
            os._exit(1)
        # Not from here: the main thread may hold the event's lock just now, as it waits for it.
        threading.Thread(target=self.stopping.set, name="stop", daemon=True).start()

    def stop(self) -> None:
        """From any thread: stop after what runs has ended."""
        self.stopping.set()

    @property
    def termed(self) -> bool:
        """Whether it has been told to stop; True tells it so, as in 1.x.

        A subclass that has a `termed` of its own is asked before each message, and at least every
        0.05 s: tests have a worker end after so many messages that way.
        """
        return self.stopping.is_set()

    @termed.setter
    def termed(self, value: bool) -> None:
        if value:
            self.stop()

    @property
    def asks_before_messages(self) -> bool:
        """Whether `termed` is a subclass's own, to be asked before each message."""
        return type(self).termed is not Worker.termed

    def obey(self, content: Content) -> None:
        """Do what a message in `orders` says; see `ask_to_stop` of a layer."""
        if content.get("order") == "stop":
            logger.info("asked to stop")
            self.stop()
        else:
            logger.error("worker %s can't do %r: it knows 'stop' only", self.id, content)


def _tell_run(
    channel: str, consumer: Callable[..., Any], waited_s: float | None, ran_s: float
) -> None:
    """With -v 2: one line for each message, with nothing of what is in it."""
    name = name_that_thing(consumer)
    waited = "for a time that is not known" if waited_s is None else f"{waited_s:.3f} s"
    logger.debug(
        "%s took a message on %s that had waited %s, and ran %.3f s",
        *(name, channel, waited, ran_s),
        extra={"channel": channel, "consumer": name, "waited_s": waited_s, "ran_s": ran_s},
    )


class WorkerGroup(Worker):
    """A worker with several threads, under its Channels 1.x name.

    `n_threads`: default the number of CPUs, as in 1.x.
    """

    def __init__(self, *args: Any, n_threads: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, threads=n_threads or os.cpu_count() or 1, **kwargs)
