"""The routes of the many rooms: the socket's, and those of the commands that come over it."""

from channels.routing import route
from project.multichat import consumers

websocket_routing = [
    route("websocket.connect", consumers.ws_connect),
    route("websocket.receive", consumers.ws_receive),
    route("websocket.disconnect", consumers.ws_disconnect),
]

# A filter looks at any key of a message, not only at its path. The first route that matches wins.
command_routing = [
    route("chat.receive", consumers.chat_join, command="^join$"),
    route("chat.receive", consumers.chat_leave, command="^leave$"),
    route("chat.receive", consumers.chat_send, command="^send$"),
    route("chat.receive", consumers.chat_unknown),
]
