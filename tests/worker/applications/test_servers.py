"""Interface servers whose sockets are hosted here: who is taken for dead."""

import asyncio

from channels.exceptions import LayerUnavailable
from tests.interface_server.fakes import in_loop
from worker.applications.servers import ServerWatch


class Link:
    """Says that a server gave its last sign of life at its start; the layer is away for 4 s just
    when that has become too old, and the server shows that it lives once the layer is back."""

    def __init__(self):
        self._time = asyncio.get_running_loop().time
        self._began_s = self._time()

    async def server_ages_s(self):
        now_s = self._time() - self._began_s
        if 38.0 < now_s < 42.0:
            raise LayerUnavailable("Redis is away", was_sent=False)
        return {"server": now_s if now_s < 47.0 else now_s - 46.0}


@in_loop
async def test_a_server_has_time_to_show_that_it_lives_after_a_short_outage():
    dead = []
    watch = asyncio.ensure_future(
        ServerWatch(Link(), lambda: {"server"}, dead.append).look_forever()
    )
    await asyncio.sleep(60.0)
    watch.cancel()
    assert dead == []
