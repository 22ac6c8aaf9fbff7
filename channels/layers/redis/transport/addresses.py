"""The `hosts` of a CONFIG: where each Redis is, and how to log in. No secret is ever shown."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import redis.connection

#: What a dict may say of where a Redis is, besides options of redis-py's connections.
_PLACE_KEYS = ("address", "host", "port", "path", "db", "ssl")
#: Options of redis-py that would change what replies look like: here they are read without it.
_WITHOUT_EFFECT = ("decode_responses", "parser_class", "encoder_class")
_QUOTING = (
    "characters of a user name or password that mean something in a URL are quoted: %40 for @, "
    "%23 for #, %3A for :, %2F for /, %3F for ?; or give them as `username` and `password` in a "
    "dict, or in connection_kwargs"
)

#: What opens a socket to one.
HostAndPort: TypeAlias = tuple[str, int]


class Address(NamedTuple):
    """Where a Redis is."""

    url: str
    #: Options of its connections, which are not in the URL.
    options: dict[str, Any]


def read_hosts(hosts: Sequence[Any] | None) -> list[Address]:
    """Return an Address for each of `hosts`: URLs, (host, port) pairs, or dicts.

    Raises ValueError, which names the place of what is wrong, but not what stands there.
    """
    if isinstance(hosts, (str, bytes)):
        raise ValueError("hosts must be a list, as in [('localhost', 6379)], not one string")
    found = []
    for place, host in enumerate(hosts or [("localhost", 6379)]):
        try:
            found.append(_read(host))
        except ValueError as error:
            raise ValueError(f"hosts[{place}] {error}") from None
    return found


def parse_hosts(hosts: Sequence[Any] | None) -> list[str]:
    """The URLs of `hosts`."""
    return [address.url for address in read_hosts(hosts)]


def _read(host: Any) -> Address:
    if isinstance(host, Mapping):
        return _read_dict(dict(host))
    if isinstance(host, str):
        return Address(_check_url(host), {})
    if isinstance(host, (tuple, list)) and len(host) == 2:
        return Address(_make_url(*host), {})
    raise ValueError(f"must be a URL, a (host, port) pair or a dict, got {type(host).__name__}")


def _read_dict(options: dict[str, Any]) -> Address:
    unknown = [key for key in options if key not in (*_PLACE_KEYS, *known_options())]
    if unknown:
        raise ValueError(
            f"has a key that is not known, {unknown[0]!r}: known are {', '.join(_PLACE_KEYS)}, and "
            "the options of redis-py's connections"
        )
    check_options(options)
    address, db = options.pop("address", None), options.pop("db", None)
    if isinstance(address, str):
        url = _check_url(address)
        if db is not None and url.startswith("unix:"):
            options["db"] = int(db)
        elif db is not None:
            url = urlsplit(url)._replace(path=f"/{int(db)}").geturl()
        return Address(url, options)
    if "path" in options:
        return Address(f"unix://{options.pop('path')}?db={int(db or 0)}", options)
    host, port = address or (options.pop("host", "localhost"), options.pop("port", 6379))
    is_secure = bool(options.pop("ssl", False))
    return Address(_make_url(host, port, db or 0, is_secure), options)


def _make_url(host: Any, port: Any, db: Any = 0, is_secure: bool = False) -> str:
    name = f"[{host}]" if ":" in str(host) else host
    return f"{'rediss' if is_secure else 'redis'}://{name}:{int(port)}/{int(db)}"


def _check_url(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must be a redis://, rediss:// or unix:// URL")
    place = rest.partition("?")[0]
    if "#" in rest or place.count("@") > 1:
        raise ValueError(f"can't be read: {_QUOTING}")
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError:
        raise ValueError(f"can't be read: {_QUOTING}") from None
    check_options(dict(parse_qsl(parts.query)))
    return url


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ValueError for options of redis-py that can't have an effect here."""
    for name in _WITHOUT_EFFECT:
        if options.get(name) not in (None, False, "", "False", "false", "0", "no"):
            raise ValueError(
                f"takes no {name!r}: what comes from Redis is read by the layer itself"
            )


def name_of(url: str) -> str:
    """Return what a URL is called in logs and errors: its scheme, host, port and database."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix:{parts.path}"
    if parts.scheme not in ("redis", "rediss"):
        return f"{parts.scheme}://{parts.netloc}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"


@functools.cache
def known_options() -> frozenset[str]:
    """The names of what redis-py's connections take."""
    connection = redis.connection
    kinds = (
        connection.AbstractConnection,
        connection.Connection,
        connection.SSLConnection,
        connection.UnixDomainSocketConnection,
    )
    found = {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}
    return frozenset(found - {"self", "kwargs", "args"})
