"""What the host servers are told."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Listen:
    """Where to listen: a host and port, a Unix socket, a file descriptor, Twisted endpoints."""

    host: str | None = None
    port: int | None = None
    unix_socket: str | None = None
    file_descriptor: int | None = None
    endpoints: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class HostSettings:
    """Settings that are the host server's; what both have a say in is kept from contradicting."""

    #: Seconds without a frame after which a socket is pinged, and what its pong may take then.
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 30.0
    #: Seconds that the head of a request may take to arrive.
    head_timeout_s: float = 60.0
    #: Seconds that a connection which is to be closed may take to send what is left.
    flush_timeout_s: float = 60.0
    #: The Options' limits, for hosts that can refuse earlier than the application.
    max_frame_bytes: int = 1024 * 1024
    max_body_bytes: int | None = None
    max_header_bytes: int = 64 * 1024
    #: The Options' `grace_s`.
    grace_s: float = 10.0
    #: Whether to agree to permessage-deflate (uvicorn only). It costs memory for every socket.
    compresses_frames: bool = False
    #: Whether SIGTERM and SIGINT end the server (Daphne only); not outside of the main thread.
    handles_signals: bool = True
    #: 0 warnings, 1 and what is going on, 2 and debugging.
    verbosity: int = 1
    #: Called with a list of URLs once the host listens.
    on_listening: Callable[[list[str]], None] = lambda urls: None
