"""A server that parses nothing: canned bytes for each read. It shows the load generator's ceiling.

Usage: python bare_socket.py PORT. HTTP requests get a fixed answer; once a socket asked for a
WebSocket, each frame of the benchmark's size is answered with a fixed frame.
"""

import asyncio
import sys

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!"
OPENED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


class BareSocket(asyncio.Protocol):
    """Answers each read; knows nothing of what it read."""

    def connection_made(self, transport):
        self.transport = transport
        self.answer = None

    def data_received(self, data):
        if self.answer is None and b"Upgrade: websocket" in data:
            self.transport.write(OPENED)
            self.answer = b""
        elif self.answer == b"":  # the first frame: 2 bytes of head, 4 of mask, then the text
            mask, text = data[2:6] * len(data), data[6:]
            self.answer = bytes((0x81, len(text))) + bytes(map(int.__xor__, text, mask))
            self.transport.write(self.answer)
        else:
            self.transport.write(self.answer or ANSWER)


async def main(port):
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(BareSocket, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
