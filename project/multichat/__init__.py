"""Many rooms over one socket, with commands in JSON.

{"command": "join", "room": 1}
websocket.receive -> ws_receive -> chat.receive, command="join" -> chat_join -> Group
"""
