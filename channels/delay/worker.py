"""The delay server's loop."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError, close_old_connections

from channels.delay.intake import DELAY_CHANNEL, DelayIntake
from channels.delay.sending import DueSender
from channels.exceptions import LayerUnavailable
from channels.layers.backoff import Backoff

if TYPE_CHECKING:
    from channels.layers.base import BaseChannelLayer

logger = logging.getLogger("django.channels")

#: Pauses while the layer or the database is away: doubled from the first to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
#: While stopping, a loop that waits for a message is woken this often until it has noticed.
WAKE_EVERY_S = 0.02


class Worker:
    """Keeps messages from `asgi.delay` in the database, and sends them when they are due.

    Args:
        channel_layer: the layer.
        signal_handlers: whether SIGTERM and SIGINT stop it; default True.
        database_sleep_duration: the longest time between two looks into the database, in seconds;
            what it has put there itself is sent on time whatever this is. Default 1.
    """

    def __init__(
        self,
        channel_layer: BaseChannelLayer,
        signal_handlers: bool = True,
        database_sleep_duration: float = 1,
    ) -> None:
        self.channel_layer = channel_layer
        self.signal_handlers = signal_handlers
        self.database_sleep_duration = database_sleep_duration
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._intake = DelayIntake(channel_layer)
        self._sender = DueSender(channel_layer, database_sleep_duration, self._stopping)

    @property
    def termed(self) -> bool:
        """Whether it has been told to stop; True tells it so, as in 1.x. It is asked before each
        look at what is due, and may be a subclass's own."""
        return self._stopping.is_set()

    @termed.setter
    def termed(self, value: bool) -> None:
        if value:
            self._stopping.set()

    def install_signal_handler(self) -> None:
        """Let SIGTERM and SIGINT stop it; only possible in the main thread."""
        signal.signal(signal.SIGTERM, self.sigterm_handler)
        signal.signal(signal.SIGINT, self.sigterm_handler)

    def sigterm_handler(self, signo: int, stack_frame: Any) -> None:
        """Stop after the message in hand."""
        # In a thread: what the interrupted code holds a lock on can't be waited for in here.
        threading.Thread(target=self.stop, daemon=True).start()

    def stop(self) -> None:
        """From another thread: stop after the message in hand; returns when that is done."""
        self._stopping.set()
        while not self._ended.wait(WAKE_EVERY_S):
            try:
                self._intake.interrupt()
            except LayerUnavailable as error:
                logger.debug("could not wake the delay server: %s", error)

    def run(self) -> None:
        """Take in and send until told to stop."""
        if self.signal_handlers:
            self.install_signal_handler()
        logger.info("Listening on %s", DELAY_CHANNEL)
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._ended.clear()
        self._intake.open()
        try:
            while not self.termed:
                pause_s = backoff.next_s()
                if self._work_once(pause_s):
                    backoff.reset()
                else:
                    self._stopping.wait(pause_s)
        finally:
            self._intake.close()
            self._ended.set()

    def _work_once(self, pause_s: float) -> bool:
        """Send what is due, take in what comes; return False if a pause may help."""
        try:
            close_old_connections()
            self._intake.take_in(self._sender.send_due())
        except (LayerUnavailable, DatabaseError, InterfaceError) as error:
            if not self._stopping.is_set():
                logger.error(
                    "the delay server can't work just now (%s: %s); it tries again in %.1f s, and "
                    "loses nothing",
                    type(error).__name__,
                    error,
                    pause_s,
                )
            return False
        except Exception:
            logger.exception("the delay server failed; it tries again in %.1f s", pause_s)
            return False
        return True
