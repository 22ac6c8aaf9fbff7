"""The routes of the thumbnailer: its pages' sockets, and its channel.

manage.py runworker --only-channels=http.* --only-channels=websocket.*    never takes thumbnails
manage.py runworker --only-channels=thumbnails                            takes nothing else
"""

from channels.routing import route
from project.thumbnails.consumers import make_thumbnails, ws_connect, ws_disconnect

websocket_routing = [
    route("websocket.connect", ws_connect),
    route("websocket.disconnect", ws_disconnect),
]

background_routing = [
    route("thumbnails", make_thumbnails),
]
