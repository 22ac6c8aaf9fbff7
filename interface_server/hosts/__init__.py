"""The host servers: what runs an interface server, and what one of them leaves to be done.

Any ASGI server can be the host. Daphne gets help: it never makes an application wait (so a slow
client's response would pile up in memory), sends no 503 for a handshake and no close code below
3000, and has no lifespan. See `interface_server.hosts.daphne_io`.
"""

import functools
import sys


def adapt(application, scope, receive, send):
    """Return (scope, receive, send) with what the host leaves undone, if that is Daphne."""
    if type(send) is not functools.partial or "daphne.server" not in sys.modules:
        return scope, receive, send
    from interface_server.hosts.daphne_io import adapt_daphne

    return adapt_daphne(application, scope, receive, send)
