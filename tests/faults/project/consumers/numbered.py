"""Class consumers whose state is numbers, so that one that is lost, doubled or old shows.

Each socket counts the frames and the messages that it has handled. What it does is noted down with
these numbers, and with its stint: one instance, on one worker, from its `connect` or its take-over
to its end. The number of the stint before travels with the state.

A frame is JSON, {"n": 7, "sleep_ms": 3, "pad": 0}; it is answered with "reply 7 <frames>
<messages>". A message is {"type": "numbered.call", "n": 9}; it is answered with "called 9 …".
"""

import asyncio
import json
import time
import uuid

from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from tests.faults.project.consumers.checked import GROUP as TOLD
from tests.faults.project.notes import note

#: What every socket hears: texts that need no code, and messages that a handler answers.
GROUPS = [TOLD, "numbered"]


class Numbers:
    """What the consumers keep on themselves, and note down. `self` is the instance."""

    def begin(self):
        self.frames = self.messages = self.latest = 0
        self.stint, self.scope["frames"] = None, 0
        self._note_stint()
        return f"hello {self.channel_name}"

    def go_on(self):
        self._note_stint()

    def _note_stint(self):
        before, self.stint = self.stint, uuid.uuid4().hex[:12]
        self._note("hosted", after=before)

    def count_frame(self, frame):
        self.frames += 1
        self.scope["frames"] += 1
        self._note("handled", what="frame", n=frame["n"])
        pad = "x" * frame.get("pad", 0)
        return f"reply {frame['n']} {self.frames} {self.messages} {pad}"

    def count_call(self, event):
        self.messages += 1
        self._note("handled", what="call", n=event["n"], latest=self.latest)
        self.latest = event["n"]
        return f"called {event['n']} {self.frames} {self.messages}"

    def end(self, code):
        self._note("let go", code=code)

    def _note(self, event, **facts):
        note(
            event,
            socket=self.channel_name,
            stint=self.stint,
            frames=self.frames,
            messages=self.messages,
            in_scope=self.scope["frames"],
            **facts,
        )


class AsyncNumbered(Numbers, AsyncWebsocketConsumer):
    groups = GROUPS

    async def connect(self):
        hello = self.begin()
        await self.accept()
        await self.send(hello)

    async def resumed(self):
        self.go_on()

    async def receive(self, text_data=None, bytes_data=None):
        frame = json.loads(text_data)
        await asyncio.sleep(frame["sleep_ms"] / 1000)
        await self.send(self.count_frame(frame))

    async def numbered_call(self, event):
        await self.send(self.count_call(event))

    async def disconnect(self, code):
        self.end(code)


class SyncNumbered(Numbers, WebsocketConsumer):
    groups = GROUPS

    def connect(self):
        hello = self.begin()
        self.accept()
        self.send(hello)

    def resumed(self):
        self.go_on()

    def receive(self, text_data=None, bytes_data=None):
        frame = json.loads(text_data)
        time.sleep(frame["sleep_ms"] / 1000)
        self.send(self.count_frame(frame))

    def numbered_call(self, event):
        self.send(self.count_call(event))

    def disconnect(self, code):
        self.end(code)


class AsyncKept(AsyncNumbered):
    """The same, with a checkpoint after each handler."""

    checkpoint = True


class SyncKept(SyncNumbered):
    """The same, with a checkpoint after each handler."""

    checkpoint = True
