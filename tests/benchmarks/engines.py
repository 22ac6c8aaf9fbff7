"""What carries messages besides one Redis: started when it is wanted first, and kept for later
turns, as a broker takes ten seconds to start."""

import contextlib

from tests.processes import RedisCluster
from tests.processes.rabbitmq_server import RabbitmqServer

#: What each is started by. The cluster writes no more to disk, and is copied no more, than the one
#: Redis that it is compared with.
_KINDS = {
    "rabbitmq": RabbitmqServer,
    "cluster": lambda: RedisCluster(with_replicas=False, options={"appendonly": "no"}),
}


class Engines:
    """`with` ends all that were started. Those who share one take prefixes of their own."""

    def __init__(self):
        self._started = {}
        self._exits = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._exits.close()
        self._started.clear()

    def find(self, name):
        """Return the one of this name, with `url` and `pids`; None if it needs no server."""
        if name not in _KINDS:
            return None
        if name not in self._started:
            self._started[name] = self._exits.enter_context(_KINDS[name]())
        return self._started[name]
