"""Real processes for whole-process tests: a private Redis, interface servers, workers, and what
stands around them.

    with RedisServer() as redis, Split(directory, redis_url=redis.url) as split:
        server = split.start_server()
        worker = split.start_worker("--only-channels=http.*")
        requests.get(server.url + "/")

Each process has its own process group and log file. Leaving the `with` block ends all of them; if
the test run itself is killed, a watchdog ends them. Nothing here knows which project it runs.
"""

from tests.processes.base import Process, can_connect, free_port, wait_until
from tests.processes.nginx import Nginx, find_nginx, make_certificate
from tests.processes.postgres_server import PostgresServer, find_postgres
from tests.processes.redis_cluster import RedisCluster
from tests.processes.redis_server import RedisServer, find_redis_server
from tests.processes.split import REPOSITORY, Server, Split

__all__ = [
    "REPOSITORY",
    "Nginx",
    "PostgresServer",
    "Process",
    "RedisCluster",
    "RedisServer",
    "Server",
    "Split",
    "can_connect",
    "find_nginx",
    "find_postgres",
    "find_redis_server",
    "free_port",
    "make_certificate",
    "wait_until",
]
