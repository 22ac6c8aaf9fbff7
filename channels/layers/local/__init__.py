"""The local layer: the processes of one machine share a folder, and need no server.

- `database`: the SQLite file, its lock, and what its errors mean
- `schema`: the tables
- `queues`, `groups`, `servers`, `sockets`: what the tables hold, and its rules
- `store`: what operations do, within one transaction; `steps`: the verbs, as functions of it
- `housekeeping`: what time and dead processes leave to be done
- `wakeups`: how readers sleep, and are woken
- `places`: where it all lies
- `layer`, `reader`, `link`: what consumers, workers and interface servers call
"""

from channels.layers.local.layer import LocalChannelLayer

#: The name of the class in asgi_ipc.
IPCChannelLayer = LocalChannelLayer

__all__ = ["IPCChannelLayer", "LocalChannelLayer"]
