"""What can be set about an interface server, with the defaults and why they are what they are."""

import dataclasses
from typing import Any

from channels.layers.limits import MAX_MESSAGE_BYTES

KIB = 1024
MIB = 1024 * 1024

#: What the keys of a message need beside its frame or chunk: paths, channel names, packing.
ENVELOPE_BYTES = 16 * KIB


@dataclasses.dataclass(frozen=True)
class Options:
    """Settings of an interface server; a limit of None is no limit.

    Times are in seconds, sizes in bytes.
    """

    # -- HTTP --------------------------------------------------------------------------------

    #: How long the first reply may take before the client gets 503. Channels 1.x default.
    http_timeout_s: float | None = 120.0
    #: How long a response that has begun may be silent before it is given up: its worker is dead.
    http_silence_s: float | None = 600.0
    #: How long a client may take nothing of its response, or send nothing of its body, before it
    #: is dropped, so that it can't hold a worker.
    http_stall_s: float = 60.0
    #: The largest request body. 2.5 GiB: a thousand times Django's DATA_UPLOAD_MAX_MEMORY_SIZE.
    max_body_bytes: int | None = 2560 * MIB
    #: Up to this size a body travels inside its `http.request`; above it, on its own channel.
    inline_body_bytes: int = 256 * KIB
    #: The size of the pieces of a body that travels on its own channel.
    body_chunk_bytes: int = 256 * KIB
    #: The largest request head (all header names and values); above it, 431.
    max_header_bytes: int = 64 * KIB
    #: The slowest that a client may take its response, on average over `http_stall_s`.
    http_floor_bytes_per_s: int = KIB
    #: What of a response waits for one slow client in memory; more than that is in a temporary
    #: file.
    response_memory_bytes: int = 256 * KIB
    #: What waits for one client before its worker is told to wait, and when it may go on: only a
    #: stream without end comes to that. As much as nginx keeps of one response.
    response_high_water_bytes: int = 1024 * MIB
    response_low_water_bytes: int = 512 * MIB
    #: What all temporary files of a process may hold together; then workers wait.
    all_response_bytes: int = 8 * 1024 * MIB
    #: What 503 says in Retry-After.
    retry_after_s: int = 2

    # -- WebSocket ---------------------------------------------------------------------------

    #: How long `websocket.connect` may go without an answer before the handshake gets 503.
    websocket_connect_timeout_s: float | None = 20.0
    #: How long a socket may live; then it is closed with 1000. None: as long as it likes.
    websocket_timeout_s: float | None = None
    #: How long a socket waits for a close frame to go out, or for a layer that has gone away.
    websocket_close_timeout_s: float = 10.0
    #: How long a frame may wait for room in its channel, or for a layer that is away, before its
    #: socket is closed with 1013. A trouble that is over sooner closes no socket.
    websocket_patience_s: float = 30.0
    #: What is read from one client beyond the frame that is on its way; then it is held back.
    window_frames: int = 32
    window_bytes: int = 256 * KIB
    #: The same for all clients of a process together.
    all_window_frames: int = 20_000
    all_window_bytes: int = 64 * MIB
    #: The largest frame from a client; above it the socket is closed with 1009. By default, what
    #: fits into a message of the channel layer.
    max_frame_bytes: int = MAX_MESSAGE_BYTES - ENVELOPE_BYTES
    #: Frames from one socket in one second; above it the socket is closed with 1008.
    max_frames_per_s: int | None = None
    #: Sockets from one client address; above it a handshake gets 429.
    max_sockets_per_address: int | None = None
    #: What may wait to be written to one socket; above either, that socket is closed with 1013.
    outbox_messages: int = 1_000
    outbox_bytes: int = 8 * MIB
    #: Subprotocols to agree to if a client offers them and the consumer names none.
    websocket_protocols: tuple[str, ...] = ()

    # -- both --------------------------------------------------------------------------------

    #: Where the application is mounted (SCRIPT_NAME), if the host server does not say.
    root_path: str = ""
    #: Where health is answered beside the site, as PATH/live and PATH/ready; "" answers nowhere.
    health_path: str = ""
    #: Whether it is ready only while a worker takes http.request.
    needs_workers: bool = False
    #: Whether to believe X-Forwarded-For, -Port and -Proto from `trusted_proxies`.
    proxy_headers: bool = False
    #: Addresses or networks of proxies, or "*" for all. Who comes over a Unix socket is always one.
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    #: How long running requests may go on, and disconnects be delivered, once the server stops.
    grace_s: float = 10.0
    #: An `interface_server.access_log.AccessLog`, or None if the host server writes its own.
    access_log: Any = None
