"""Clients on a machine of their own: `python -m tests.machines.clients PLAN`, with PLAN as JSON.

They open sockets to each server, send numbered frames on each at a steady pace, and print at the
end, for each server, what came back: as JSON on the last line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tests.faults.clients import web_socket

#: How long answers may take to come in after the last frame.
PATIENCE_S = 40.0


class Client:
    """One socket that sends the numbers 0, 1, 2, ... and expects each back, in this order."""

    def __init__(self, socket: web_socket.WebSocket) -> None:
        self.socket = socket
        self.sent: list[float] = []

    def say_next(self) -> None:
        if self.socket.is_open:
            self.socket.send(json.dumps({"n": len(self.sent)}))
            self.sent.append(time.monotonic())

    def report(self) -> dict[str, object]:
        texts = self.socket.texts
        expected = [str(number) for number in range(len(self.sent))]
        #: When each was answered first: an answer that comes again is nobody's wait.
        answered: dict[str, float] = {}
        for text, arrival in zip(texts, self.socket.arrivals, strict=True):
            answered.setdefault(text, arrival)
        waits = [arrival - self.sent[int(text)] for text, arrival in answered.items()]
        return {
            "close_code": self.socket.close_code,
            "sent": len(self.sent),
            "is_whole": texts == expected,
            "missing": len(expected) - len(answered),
            "twice": len(texts) - len(answered),
            "longest_s": max(waits, default=0.0),
        }


async def run(plan: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    """Carry out a plan of servers (a list of [host, port]), sockets (for each), every_s, for_s."""
    clients = {}
    for host, port in plan["servers"]:
        sockets = [
            await web_socket.connect((host, port), plan["path"]) for _ in range(plan["sockets"])
        ]
        clients[host] = [Client(socket) for socket in sockets]
    print("running", flush=True)
    everybody = [client for some in clients.values() for client in some]
    ends_at = time.monotonic() + plan["for_s"]
    while time.monotonic() < ends_at:
        for client in everybody:
            client.say_next()
        await asyncio.sleep(plan["every_s"])
    answers = [each.socket.wait_for_texts(len(each.sent), PATIENCE_S) for each in everybody]
    await asyncio.gather(*answers)
    reports = {host: [client.report() for client in some] for host, some in clients.items()}
    for client in everybody:
        client.socket.vanish()
    return reports


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))), flush=True)
