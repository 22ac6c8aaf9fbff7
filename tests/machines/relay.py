"""Stands before an engine: `python -m tests.machines.relay HOST DELAY_S LOSS PORT ...`.

What comes to HOST:PORT goes on to 127.0.0.1:PORT. From SIGUSR1 on it is late, and some of it as
late as TCP makes what got lost; until SIGUSR2.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from tests.faults.clients.proxy import Proxy


async def run(host: str, delay_s: float, loss: float, ports: list[int]) -> None:
    proxies = [Proxy(("127.0.0.1", port)) for port in ports]
    for proxy, port in zip(proxies, ports, strict=True):
        await proxy.start(host, port)

    def change(delay_s: float, loss: float) -> None:
        for proxy in proxies:
            proxy.delay_s, proxy.loss = delay_s, loss

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, change, delay_s, loss)
    loop.add_signal_handler(signal.SIGUSR2, change, 0.0, 0.0)
    print("relaying", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), [*map(int, sys.argv[4:])]))
