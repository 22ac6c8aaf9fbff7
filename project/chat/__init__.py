"""A chat with rooms, in plain Channels 1.x function consumers.

browser -> websocket.receive -> ws_message -> chat-messages -> msg_consumer -> database, Group
"""
