"""The queues of the RabbitMQ layer, without a broker."""

import asyncio
from types import SimpleNamespace
from typing import Any

from channels.layers.rabbitmq.queues import BrokerQueues


class Declaring(BrokerQueues):
    """Declares in one turn of the event loop."""

    def __init__(self) -> None:
        pass

    async def _declare(self, session: Any, name: str) -> None:
        await asyncio.sleep(0)
        session.declared.add(name)


def test_who_waits_for_a_declaration_is_let_go_ahead_of_who_comes_later() -> None:
    queues, gone = Declaring(), []
    session: Any = SimpleNamespace(declared=set(), declaring=asyncio.Lock(), declarers=0)

    async def go(number: int) -> None:
        await queues.declare(session, "jobs")
        gone.append(number)

    async def scenario() -> None:
        tasks = []
        for number in range(30):
            tasks.append(asyncio.create_task(go(number)))
            if number >= 10:
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert gone == [*range(30)]
