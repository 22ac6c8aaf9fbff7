"""What of a project, and of what runs of it now, is not ready for production."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import redis
from django.conf import settings

from channels.asgi import channel_layers
from channels.exceptions import InvalidChannelLayerError, LayerUnavailable
from channels.layers.redis.transport.addresses import parse_hosts

#: What `startproject` puts before the key that it makes, and the shortest key that is one.
INSECURE_PREFIX, SHORTEST_KEY = "django-insecure-", 50


@dataclasses.dataclass(frozen=True)
class Shortcoming:
    """Something that is not ready: what it is, and what to do."""

    what: str
    remedy: str


def find_shortcomings() -> list[Shortcoming]:
    """Return what is not ready for production; it asks Redis, and who lives."""
    return [*check_django(settings), *_check_layer()]


def check_django(settings: Any) -> Iterator[Shortcoming]:
    """Yield what the settings of Django lack."""
    if settings.DEBUG:
        yield Shortcoming("DEBUG is on", "errors show your code and settings: DEBUG = False")
    if settings.SECRET_KEY.startswith(INSECURE_PREFIX) or len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield Shortcoming(
            "SECRET_KEY is the one of startproject, or short",
            "set one of 50 characters or more, kept out of version control",
        )
    if not settings.ALLOWED_HOSTS:
        yield Shortcoming("ALLOWED_HOSTS is empty", "name the site's domains there")
    elif "*" in settings.ALLOWED_HOSTS:
        yield Shortcoming(
            "ALLOWED_HOSTS lets every name in", "name the site's domains there instead of '*'"
        )


def _check_layer() -> Iterator[Shortcoming]:
    try:
        layer = channel_layers["default"]
    except InvalidChannelLayerError as error:
        yield Shortcoming("no channel layer", str(error))
        return
    if layer.local_only():
        yield Shortcoming(
            "the channel layer lives in the memory of one process",
            "no other process hears of anything: use Redis in CHANNEL_LAYERS",
        )
        return
    if type(layer.channel_layer).__module__.startswith("channels.layers.redis"):
        yield from _check_redis(settings.CHANNEL_LAYERS["default"].get("CONFIG", {}))
    if "status" in layer.extensions:
        try:
            yield from check_processes(layer.status())
        except LayerUnavailable:
            pass  # which _check_redis has told
        finally:
            layer.close()


def _check_redis(config: Mapping[str, Any]) -> Iterator[Shortcoming]:
    options = {"socket_connect_timeout": 5, "socket_timeout": 5}
    options.update(config.get("connection_kwargs") or {})
    for number, url in enumerate(parse_hosts(config.get("hosts"))):
        name = "Redis" if number == 0 else f"Redis (number {number + 1} of hosts)"
        try:
            with redis.Redis.from_url(url, **options) as client:
                yield from check_redis_info(name, client.info("memory"), client.info("persistence"))
        except (redis.RedisError, OSError, ValueError) as error:
            yield Shortcoming(
                f"{name} does not answer: {error}", "start it, or mend CHANNEL_LAYERS"
            )


def check_redis_info(
    name: str, memory: Mapping[str, Any], persistence: Mapping[str, Any]
) -> Iterator[Shortcoming]:
    """Yield what INFO of a Redis says against it."""
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Shortcoming(
            f"{name} evicts keys (maxmemory-policy {policy})",
            "messages and groups get lost behind everybody's back: maxmemory-policy noeviction",
        )
    if memory.get("maxmemory") == 0:
        yield Shortcoming(
            f"{name} has no maxmemory",
            "it grows until the system kills it: set maxmemory, with maxmemory-policy noeviction",
        )
    if persistence.get("aof_enabled") == 0:
        yield Shortcoming(
            f"{name} keeps nothing for after a restart",
            "each restart costs every socket a reconnect, and what waits: appendonly yes",
        )


def check_processes(status: Mapping[str, Any]) -> Iterator[Shortcoming]:
    """Yield what `layer.status()` says of servers and workers."""
    if not status["servers"]:
        yield Shortcoming("no interface server runs", "start interface-server")
    if not status["workers"]:
        yield Shortcoming("no worker runs", "start manage.py runworker")
    blind = [one for one in (*status["servers"], *status["workers"]) if not one.get("metrics")]
    if blind:
        yield Shortcoming(
            f"no metrics are shown by {_name(blind)}",
            "pip install 'channels-classic[metrics]', start each with --metrics [HOST:]PORT, and "
            "let Prometheus look",
        )
    workers = [worker for worker in status["workers"] if not worker.get("restarted_by")]
    if workers:
        yield Shortcoming(
            f"nothing starts a worker again that dies: {_name(workers)}",
            "run workers under supervisord, systemd or in containers: manage.py channels_deploy",
        )


def _name(processes: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(f"process {one.get('pid')} on {one.get('host')}" for one in processes)
