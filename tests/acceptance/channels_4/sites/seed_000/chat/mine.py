# channels.generic.websocket.WebsocketConsumer

from channels.generic.websocket import WebsocketConsumer

class MyConsumer(WebsocketConsumer):
    groups = ["broadcast"]

    def connect(self):
        # Called on connection.
        # To accept the connection call:
        self.accept()
        # Or accept the connection and specify a chosen subprotocol.
        # A list of subprotocols specified by the connecting client
        # will be available in self.scope['subprotocols']
        self.accept("subprotocol")
        # To reject the connection, call:
        self.close()

    def receive(self, text_data=None, bytes_data=None):
        # Called with either text_data or bytes_data for each frame
        # You can call:
        self.send(text_data="Hello world!")
        # Or, to send a binary frame:
        self.send(bytes_data=b"Hello world!")
        # Want to force-close the connection? Call:
        self.close()
        # Or add a custom WebSocket error code!
        self.close(code=4123)

    def disconnect(self, close_code):
        # Called when the socket closes 当一个socket关闭时，会调用此方法
        pass


class BroadcastConsumer(MyConsumer):
    """With one answer to the handshake: the seed shows all that there are, one after the other."""

    def connect(self):
        self.accept("subprotocol" if self.scope["subprotocols"] else None)

    def news(self, event):
        self.send(text_data=event["text"])
