"""Clients of WebSockets: they send numbered frames, listen, read slowly for a while, and leave."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.faults.checker.history import History
from tests.faults.clients import web_socket

#: Where sockets of each kind go, and what their members hear.
PATHS = {
    "ordered": "/checked",
    "async": "/numbered/async/",
    "sync": "/numbered/sync/",
    "async-kept": "/numbered/async-kept/",
    "sync-kept": "/numbered/sync-kept/",
}
HEARS = {"ordered": ["told"]}
#: Frames of a socket that wait for their reply, at most.
MOST_AHEAD = 5
#: A frame that has no answer after this long, while everything goes on, will have none.
PATIENCE_S = 60.0
#: How long a socket lives, mostly; and some of them.
LIVES_S, LONG_LIVES_S, LONG_SHARE = (2.0, 15.0), (30.0, 90.0), 0.25
#: A client that reads slowly stops reading for so long, has so little room, and gets large replies.
SLOW_S, SLOW_BUFFER, SLOW_PAD, SLOW_SHARE = (1.0, 6.0), 4096, 8_000, 0.15


class Talk:
    """Opens sockets and lives their lives, until `is_over`."""

    def __init__(
        self,
        history: History,
        chance: random.Random,
        servers: Callable[[], Sequence[tuple[str, int]]],
        is_over: threading.Event,
    ) -> None:
        self.history, self.chance, self.is_over = history, chance, is_over
        self._servers = servers
        self.frames, self._conns = itertools.count(1), itertools.count(1)
        #: Counts the times that everybody was told to come again.
        self.generation = 0

    def reconnect(self) -> None:
        """Have every client leave, and come again."""
        self.generation += 1

    async def live_forever(self, kind: str) -> None:
        """Live one socket's life after the other."""
        while not self.is_over.is_set():
            address = self.chance.choice(self._servers())
            is_slow = self.chance.random() < SLOW_SHARE
            buffer = SLOW_BUFFER if is_slow else None
            life = Life(self, next(self._conns), kind, is_slow)
            try:
                socket = await web_socket.connect(
                    address,
                    PATHS[kind],
                    limit_s=30,
                    receive_buffer=buffer,
                    on_text=life.hear,
                )
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep(0.2)
                continue
            await life.live(socket, address[1])


class Life:
    """One socket, from its opening to its end."""

    def __init__(self, talk: Talk, conn: int, kind: str, is_slow: bool) -> None:
        self._talk, self._conn, self._kind, self._is_slow = talk, conn, kind, is_slow
        self._history, self._chance = talk.history, talk.chance
        self._name: str | None = None
        self._sent = self._answered = 0
        #: Since when a slow client has read nothing; None while it reads.
        self._paused_at: float | None = None
        #: When it read nothing the last time, from and to.
        self._was_paused = (0.0, 0.0)
        self._generation = talk.generation

    async def live(self, socket: Any, port: int) -> None:
        """Do what this client does, and leave."""
        self._history.note("opened", conn=self._conn, kind=self._kind, port=port)
        hears = HEARS.get(self._kind, ["told", "call"])
        self._history.note("member", conn=self._conn, hears=hears)
        slowness = asyncio.ensure_future(self._read_slowly(socket)) if self._is_slow else None
        await self._speak(socket)
        await self._wait(socket)
        if slowness is not None:
            slowness.cancel()
        self._note_end(socket)
        await self._leave(socket)

    def hear(self, text: str) -> None:
        """Note down what has come."""
        kind, *words = text.split(" ")[:4]
        if kind == "hello":
            self._name = words[0]
            return
        state = {}
        if len(words) == 3:
            state = {"frames": int(words[1]), "messages": int(words[2])}
        event = {"reply": "reply", "told": "heard", "called": "called"}[kind]
        self._history.note(event, conn=self._conn, n=int(words[0]), **state)
        self._answered += kind == "reply"

    # -- what it does ---------------------------------------------------------------------------

    async def _speak(self, socket: Any) -> None:
        """Send frames for a while, a few ahead of the replies; listen only, now and then."""
        is_long = self._chance.random() < LONG_SHARE
        until = time.monotonic() + self._chance.uniform(*(LONG_LIVES_S if is_long else LIVES_S))
        while socket.is_open and not self._is_done(until):
            if self._sent - self._answered < MOST_AHEAD:
                self._send_frame(socket)
            is_quiet = self._chance.random() < 0.01
            await asyncio.sleep(self._chance.uniform(1, 6) if is_quiet else self._pause_s())

    def _pause_s(self) -> float:
        return self._chance.uniform(0, 0.1)

    def _is_done(self, until: float) -> bool:
        is_called = self._generation != self._talk.generation
        return is_called or time.monotonic() >= until or self._talk.is_over.is_set()

    def _send_frame(self, socket: Any) -> None:
        number = next(self._talk.frames)
        self._sent += 1
        frame = {"n": number, "sleep_ms": round(self._chance.uniform(0, 8), 1)}
        if self._is_slow and self._kind != "ordered":
            frame["pad"] = SLOW_PAD
        self._history.note("sent", conn=self._conn, n=number, place=self._sent)
        socket.send(json.dumps(frame))

    async def _read_slowly(self, socket: Any) -> None:
        """Read nothing for some seconds, again and again."""
        while socket.is_open:
            await asyncio.sleep(self._chance.uniform(0.5, 4))
            socket.stop_reading()
            self._paused_at = time.time()
            await asyncio.sleep(self._chance.uniform(*SLOW_S))
            if socket.is_open:
                socket.read_on()
            self._was_paused, self._paused_at = (self._paused_at, time.time()), None

    async def _wait(self, socket: Any) -> None:
        """Wait for the last reply. Who is told to come again does not wait."""
        answered, deadline = self._answered, time.monotonic() + PATIENCE_S
        while self._answered < self._sent and socket.is_open and time.monotonic() < deadline:
            if self._generation != self._talk.generation:
                return
            if self._answered != answered:
                answered, deadline = self._answered, time.monotonic() + PATIENCE_S
            await asyncio.sleep(0.05)

    def _note_end(self, socket: Any) -> None:
        """The socket is closed, or the client leaves: what came while it read nothing, it has never
        heard."""
        is_called = self._generation != self._talk.generation
        self._history.note(
            "closed",
            at=socket.closed_at or self._paused_at or time.time(),
            deaf_since=self._deaf_since(socket.closed_at),
            conn=self._conn,
            code=socket.close_code,
            socket=self._name,
            was_idle=socket.is_open and not is_called,
        )

    def _deaf_since(self, closed_at: float | None) -> float | None:
        """Since when the client had heard nothing when it found that the socket was closed."""
        since, until = self._was_paused
        return since if closed_at is not None and closed_at < until + 1.0 else None

    async def _leave(self, socket: Any) -> None:
        if socket.is_open and self._paused_at is not None:
            socket.read_on()
        if socket.is_open and self._chance.random() < 0.3:
            socket.vanish()
        elif socket.is_open:
            socket.leave()
            if await socket.wait_closed(limit_s=10) is None:
                socket.vanish()
