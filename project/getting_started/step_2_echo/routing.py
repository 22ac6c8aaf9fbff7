"""Step 2: frames go to the consumer; connections are accepted by default."""

from channels.routing import route
from project.getting_started.step_2_echo.consumers import ws_message

channel_routing = [
    route("websocket.receive", ws_message),
]
