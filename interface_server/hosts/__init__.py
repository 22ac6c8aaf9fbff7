"""The host servers: what runs an interface server, and what one of them leaves to be done.

Any ASGI server can be the host; `interface_server.hosts.contract` says what it must give. Daphne
gets help: it never makes an application wait (so a slow client's response would pile up in memory),
sends no 503 for a handshake and no close code below 3000, and has no lifespan. See
`interface_server.hosts.daphne_io`.
"""

import importlib
from typing import cast

from interface_server.hosts.contract import HostServer
from interface_server.hosts.private_names import UnknownRelease, installed_version

#: What `--server` may be: each is a module of this folder.
HOST_NAMES = ("daphne", "uvicorn")


class HostMissing(Exception):
    """A host server, or what it needs, is not installed; the text says what to install."""


def load_host(name: str) -> HostServer:
    """Return the host `name` of this folder, once it is known to be one that this works with.

    Raises HostMissing and UnknownRelease.
    """
    try:
        host = cast(HostServer, importlib.import_module(f"interface_server.hosts.{name}"))
        host.check()
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and missing == error.name:
            raise HostMissing(
                f"{missing} is not installed: pip install 'channels-classic[{name}]'"
            ) from error
        raise UnknownRelease(
            f"{missing} {installed_version(missing)} is not one that this works with: {error}"
        ) from error
    except AttributeError as error:  # a class that one here is made from
        raise UnknownRelease(
            f"{name} {installed_version(name)}, or what it is made of, is not one that this works "
            f"with: {error}"
        ) from error
    return host
