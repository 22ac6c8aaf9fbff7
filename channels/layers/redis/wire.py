"""Commands as the bytes that Redis reads.

redis-py's own packers (above all that of its asyncio connection, which is plain Python) cost more
than all else that happens to a message on its way; hiredis packs a command in a microsecond.
"""

import hiredis

#: Pieces up to this size are joined, so that they are written with one system call.
JOIN_BYTES = 64 * 1024


def pack(commands):
    """Return `commands` (tuples of str, bytes and numbers) as a list of bytes to be written."""
    pieces = [hiredis.pack_command(command) for command in commands]
    if len(pieces) > 1 and max(map(len, pieces)) <= JOIN_BYTES:
        return [b"".join(pieces)]
    return pieces
