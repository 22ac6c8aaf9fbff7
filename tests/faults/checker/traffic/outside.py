"""Who sends jobs and broadcasts from outside, as a view or a script does."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from channels.exceptions import ChannelFull, LayerUnavailable
from tests.faults.checker.history import History
from tests.faults.checker.judgement.jobs import ONCE, OWNED

#: Seconds between two that are sent.
PAUSE_S = 0.025
#: Those who hear texts, and those whose handlers are called.
TOLD, CALLED = "checked", "numbered"


class Outside:
    """A thread that sends, until `is_over`."""

    def __init__(self, history: History, layer: Any, is_over: threading.Event) -> None:
        self._history, self._layer, self._is_over = history, layer, is_over
        self._thread = threading.Thread(target=self._send_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def _send_forever(self) -> None:
        for number in itertools.count(1):
            if self._is_over.wait(PAUSE_S):
                return
            if number % 10 == 0:
                self._tell(number)
            elif number % 10 == 5:
                self._call(number)
            else:
                channel = ONCE if number % 2 else OWNED
                send = self._layer.send
                self._note_send("job", number, {"channel": channel}, send, channel, {"n": number})

    def _tell(self, number: int) -> None:
        text = {"text": f"told {number}"}
        self._note_send("told", number, {}, self._layer.send_group, TOLD, text)

    def _call(self, number: int) -> None:
        message = {"type": "numbered.call", "n": number}
        self._note_send("call", number, {}, self._layer.send_group, CALLED, message)

    def _note_send(
        self,
        event: str,
        number: int,
        facts: dict[str, Any],
        send: Callable[..., object],
        *args: object,
    ) -> None:
        try:
            send(*args)
            outcome = "sent"
        except ChannelFull:
            outcome = "refused"
        except LayerUnavailable as error:
            outcome = "unknown" if error.was_sent else "not sent"
        self._history.note(event, n=number, outcome=outcome, **facts)
