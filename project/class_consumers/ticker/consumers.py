"""Server-sent events: a response that goes on. Plain HTTP, no WebSocket."""

import asyncio
import json

from channels.generic.http import AsyncHttpConsumer

#: How many events a response brings; the browser asks again by itself.
EVENTS = 60


class TickerConsumer(AsyncHttpConsumer):
    """One event a second."""

    async def handle(self, body):
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await self.send_headers(headers=headers)
        for number in range(1, EVENTS + 1):
            event = f"data: {json.dumps({'number': number, 'of': EVENTS})}\n\n"
            await self.send_body(event.encode(), more_body=number < EVENTS)
            await asyncio.sleep(1)
