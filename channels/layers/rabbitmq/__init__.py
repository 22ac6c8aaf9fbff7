"""The RabbitMQ layer.

- `transport`: the one connection of a process, in a thread of its own
- `topology`: which queues and exchanges there are
- `drawers`: state that is no message, one queue of one message for each part of it
- `queues`: messages, in and out; `notices`: what a process is told by the others
- `engine`: what is done over a connection, operation by operation
- `sockets`: sessions and the order of sockets, as they lie in a drawer
- `housekeeping`: what time and dead processes leave to be done
- `layer`, `reader`, `link`: the verbs for consumers, workers and interface servers
"""

from channels.layers.rabbitmq.layer import RabbitmqChannelLayer

__all__ = ["RabbitmqChannelLayer"]
