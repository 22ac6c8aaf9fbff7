"""Tells systemd that a process has started, and that it still lives (sd_notify(3), "WatchdogSec").

Nothing happens unless systemd asks for it: NOTIFY_SOCKET and WATCHDOG_USEC in the environment.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable

from channels.metrics.health import Probes

logger = logging.getLogger("channels.metrics")

#: How often it is looked whether the process has started.
LOOK_EVERY_S = 0.1


def start_notifying(probes: Probes, environ: dict[str, str] | None = None) -> bool:
    """Tell systemd from now on, in a thread; return whether it asked for it."""
    environ = dict(os.environ) if environ is None else environ
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    every_s = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / 2
    send = _Sender(address)
    thread = threading.Thread(
        target=_notify, args=(probes, send, every_s), name="notify", daemon=True
    )
    thread.start()
    return True


class _Sender:
    """Sends to systemd's socket; a leading @ means the abstract namespace."""

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def __call__(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(text.encode(), self._address)


def _notify(probes: Probes, send: Callable[[str], None], every_s: float) -> None:
    while not probes.has_started:
        time.sleep(LOOK_EVERY_S)
    send("READY=1")
    while every_s > 0:
        verdict = probes.live()
        if verdict.is_good:
            send("WATCHDOG=1")
        else:
            logger.error("%s; systemd will start it again", verdict.text.strip())
        time.sleep(every_s)
