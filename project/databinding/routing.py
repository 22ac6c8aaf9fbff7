"""The route of the bound table, below the path that includes it."""

from channels.routing import route_class
from project.databinding.consumers import Demultiplexer

channel_routing = [
    route_class(Demultiplexer, path=r"^/$"),
]
