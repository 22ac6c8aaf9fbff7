"""The socket that carries the streams of bindings: here there is one."""

from channels.generic.websockets import WebsocketDemultiplexer
from project.databinding.bindings import IntegerValueBinding


class Demultiplexer(WebsocketDemultiplexer):
    """Hands each frame to the consumer of its stream, with the user of the browser's cookie."""

    http_user = True
    strict_ordering = True

    consumers = {
        "intval": IntegerValueBinding.consumer,
    }

    groups = ["binding.values"]
