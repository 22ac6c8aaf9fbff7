"""The local layer: the processes of one machine share a folder, and need no server.

- `database`: the SQLite file, its lock, and what its errors mean
- `schema`: the tables
- `transaction`: what one transaction has loaded, changed and is to wake
- `queues`, `groups`, `servers`, `sockets`, `acknowledged`: what the tables hold, and its rules
- `store`: what operations do
- `housekeeping`: what time and dead processes leave to be done
- `wakeups`: how readers sleep, and are woken
- `layer`, `reader`, `link`: the verbs for consumers, workers and interface servers
"""

from channels.layers.local.layer import LocalChannelLayer

#: The name of the class in asgi_ipc.
IPCChannelLayer = LocalChannelLayer

__all__ = ["IPCChannelLayer", "LocalChannelLayer"]
