"""WebSocket bytes (RFC 6455): the handshake, masked frames out, frames in."""

import struct

#: The key of RFC 6455, section 1.3. Every socket uses it: nothing here is secret.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x11\x22\x33\x44"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def make_handshake(path):
    """Return the bytes that ask for a WebSocket at `path`."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://localhost\r\n\r\n"
    ).encode()


def make_frame(payload, opcode=TEXT, mask=MASK):
    """Return one whole frame; masked, as clients must, unless `mask` is None."""
    bit = 0x80 if mask else 0
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 0x80 | opcode, bit | length)
    elif length < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, bit | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, bit | 127, length)
    if mask:
        repeated = mask * (length // 4 + 1)
        payload = mask + bytes(a ^ b for a, b in zip(payload, repeated))  # noqa: B905 (not strict)
    return head + payload


def read_frames(data):
    """Return ([(opcode, payload), …], the bytes of the frame that is not complete yet)."""
    frames, start, size = [], 0, len(data)
    while size - start >= 2:
        length, body = data[start + 1] & 0x7F, start + 2
        if length == 126:
            body = start + 4
            length = int.from_bytes(data[start + 2 : body], "big")
        elif length == 127:
            body = start + 10
            length = int.from_bytes(data[start + 2 : body], "big")
        if body + length > size:
            break
        frames.append((data[start] & 0x0F, data[body : body + length]))
        start = body + length
    return frames, data[start:]
