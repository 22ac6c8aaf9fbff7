"""Three streams over one ordered socket."""

from channels.generic.websockets import JsonWebsocketConsumer, WebsocketDemultiplexer
from tests.faults.project.notes import note


class _Stream(JsonWebsocketConsumer):
    name = None

    def connect(self, message, multiplexer, **kwargs):
        self._note("connect", message)

    def receive(self, content, multiplexer, **kwargs):
        self._note(content["n"], self.message)
        multiplexer.send({"n": content["n"]})

    def disconnect(self, message, multiplexer, **kwargs):
        self._note("disconnect", message)

    def _note(self, what, message):
        note("stream", name=self.name, what=what, socket=str(message.reply_channel))


class One(_Stream):
    name = "one"


class Two(_Stream):
    name = "two"


class Three(_Stream):
    name = "three"


class Demultiplexer(WebsocketDemultiplexer):
    """Hands them out, in order."""

    strict_ordering = True
    consumers = {"one": One, "two": Two, "three": Three}
