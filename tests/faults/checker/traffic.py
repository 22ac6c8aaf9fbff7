"""The clients: sockets that talk, a visitor, a sender of jobs and a caller to all."""

import asyncio
import itertools
import json
import threading
import time

from channels.exceptions import ChannelFull, LayerUnavailable
from tests.faults.checker.checks import ONCE, OWNED
from tests.faults.clients import http, web_socket

PATH, GROUP = "/checked", "checked"
#: Frames of a socket that wait for their reply, at most.
MOST_AHEAD = 5
#: A socket that has no reply after this long is given up.
PATIENCE_S = 60.0


class Traffic:
    """Everything that clients do, until `stop`. `servers()` gives the addresses to go to."""

    def __init__(self, history, chance, layer, servers, sockets=12):
        self._history, self._chance, self._layer = history, chance, layer
        self._servers, self._count = servers, sockets
        self._frames, self._conns = itertools.count(1), itertools.count(1)
        self._is_over = threading.Event()
        self._tasks, self._thread = [], None

    def start(self):
        """Begin."""
        self._tasks = [asyncio.ensure_future(self._talk()) for _ in range(self._count)]
        self._tasks.append(asyncio.ensure_future(self._visit()))
        self._thread = threading.Thread(target=self._send_from_outside, daemon=True)
        self._thread.start()

    async def stop(self):
        """Let everybody finish what they are at."""
        self._is_over.set()
        await asyncio.gather(*self._tasks)
        await asyncio.to_thread(self._thread.join)

    def _pick(self):
        return self._chance.choice(self._servers())

    # -- sockets ------------------------------------------------------------------------------

    async def _talk(self):
        """Live one socket's life after the other."""
        while not self._is_over.is_set():
            try:
                socket = await web_socket.connect(self._pick(), PATH, limit_s=30)
            except (OSError, asyncio.TimeoutError):
                await asyncio.sleep(0.2)
                continue
            await self._live(next(self._conns), socket)

    async def _live(self, conn, socket):
        self._history.note("opened", conn=conn)
        self._history.note("member", conn=conn)
        replies = []
        socket.on_text = lambda text: self._hear(conn, text, replies)
        sent = await self._speak(conn, socket, replies)
        was_idle = await self._wait(socket, replies, sent) and socket.is_open
        self._history.note("closed", conn=conn, code=socket.close_code, was_idle=was_idle)
        if socket.is_open and self._chance.random() < 0.3:
            socket.vanish()
        elif socket.is_open:
            socket.leave()
            if await socket.wait_closed(limit_s=10) is None:
                socket.vanish()

    def _hear(self, conn, text, replies):
        kind, _, number = text.partition(" ")
        if kind == "reply":
            replies.append(int(number))
        self._history.note({"reply": "reply", "told": "heard"}[kind], conn=conn, n=int(number))

    async def _speak(self, conn, socket, replies):
        """Send frames for a while, a few ahead of the replies; return how many."""
        until = time.monotonic() + self._chance.uniform(2, 15)
        sent = 0
        while socket.is_open and time.monotonic() < until and not self._is_over.is_set():
            if sent - len(replies) < MOST_AHEAD:
                number = next(self._frames)
                frame = {"n": number, "sleep_ms": round(self._chance.uniform(0, 8), 1)}
                self._history.note("sent", conn=conn, n=number)
                socket.send(json.dumps(frame))
                sent += 1
            await asyncio.sleep(self._chance.uniform(0, 0.06))
        return sent

    async def _wait(self, socket, replies, sent):
        """Wait for the last reply; return whether the waiting came to an end by itself."""
        deadline = time.monotonic() + PATIENCE_S
        while len(replies) < sent and socket.is_open and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        return True

    # -- requests -----------------------------------------------------------------------------

    async def _visit(self):
        """Ask for the front page all the time."""
        asking = set()
        while not self._is_over.is_set():
            task = asyncio.ensure_future(self._ask())
            asking.add(task)
            task.add_done_callback(asking.discard)
            await asyncio.sleep(0.1)
        await asyncio.gather(*asking)

    async def _ask(self):
        begun = time.monotonic()
        event = self._history.note("asked", status=None, took_s=0.0)
        try:
            status = (await http.fetch(self._pick(), "/", limit_s=60)).status
        except (OSError, asyncio.TimeoutError) as error:
            status = type(error).__name__
        event.update(status=status, took_s=round(time.monotonic() - begun, 3))

    # -- jobs and broadcasts ------------------------------------------------------------------

    def _send_from_outside(self):
        """Send jobs and broadcasts from a thread, as a view or a script would."""
        for number in itertools.count(1):
            if self._is_over.wait(0.02):
                return
            if number % 10 == 0:
                self._note_send(
                    "told", number, {}, self._layer.send_group, GROUP, {"text": f"told {number}"}
                )
                continue
            channel = ONCE if number % 2 else OWNED
            self._note_send(
                "job", number, {"channel": channel}, self._layer.send, channel, {"n": number}
            )

    def _note_send(self, event, number, facts, send, *args):
        try:
            send(*args)
            outcome = "sent"
        except ChannelFull:
            outcome = "refused"
        except LayerUnavailable as error:
            outcome = "unknown" if error.was_sent else "not sent"
        self._history.note(event, n=number, outcome=outcome, **facts)
