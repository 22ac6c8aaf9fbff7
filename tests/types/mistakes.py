"""Consumers with mistakes that an editor finds. Each line that ends in `# wrong` is one.

Type checkers read this file; nothing runs it.
"""

from channels import Channel, Group
from channels.auth import channel_session_user
from channels.generic.websockets import JsonWebsocketConsumer, WebsocketConsumer
from channels.message import Message
from channels.messages import CloseCode, WebsocketSend
from channels.routing import include, route, route_class
from channels.sessions import channel_session, enforce_ordering, session_for_reply_channel


def ws_connect(message: Message) -> None:
    message.reply_channel.send({"accept": True})
    message.reply_chanel.send({"accept": True})  # wrong
    message.reply_channel.sned({"accept": True})  # wrong
    message.reply_channel.send("accept")  # wrong
    message.reply_channel.send({"accept": True}, imediately=True)  # wrong


def ws_receive(message: Message) -> None:
    message["text"].upper()
    message["path"].uper()  # wrong
    message.content.gett("text")  # wrong
    message.content["text"] = message["path"] + 1  # wrong


@channel_session
def with_session(message: Message, room: str) -> None:
    message.channel_session["room"] = room
    message.channel_session.sett("room", room)  # wrong
    message.channel_sesion["room"] = room  # wrong


@enforce_ordering
@channel_session_user
def with_user(message: Message) -> int:
    return "one"  # wrong


@enforce_ordering(slight="no")  # wrong
def strictly(message: Message) -> None:
    pass


def call_them(message: Message) -> None:
    with_session(message, "lobby")
    with_session(message)  # wrong
    with_session(message, 5)  # wrong
    with_user(message).bit_length()
    with_user(message).upper()  # wrong


def groups(message: Message) -> None:
    Group("chat").add(message.reply_channel)
    Group("chat").add("name")
    Group("chat").add(5)  # wrong
    Group("chat").join(message.reply_channel)  # wrong
    Group().send({"text": "x"})  # wrong
    Channel("jobs").send({"n": 1}, delay_s="soon")  # wrong
    names: list[int] = Group("chat").channels()  # wrong
    len(names)


class Chat(WebsocketConsumer):
    http_user = "yes"  # wrong
    strict_ordering = True
    groups = 5  # wrong

    def connect(self, message: Message, **kwargs: object) -> None:
        message.reply_channel.send({"accept": True})
        self.mesage.reply_channel.send({"accept": True})  # wrong

    def receive(
        self, text: str | None = None, bytes: bytes | None = None, **kwargs: object
    ) -> None:
        self.send(txt=text)  # wrong
        self.send(text=5)  # wrong
        self.close(status="bye")  # wrong


class Numbers(JsonWebsocketConsumer):
    def receive(self, content: object, **kwargs: object) -> None:
        self.send({"n": 1}, close=CloseCode.NORMAL)
        self.send()  # wrong


def no_message() -> None:
    pass


channel_routing = [
    route("websocket.connect", ws_connect, path=r"^/chat/"),
    route("websocket.connect", no_message),  # wrong
    route("websocket.connect"),  # wrong
    route("websocket.connect", ws_connect, path=5),  # wrong
    route_class(Chat, path=r"^/chat/"),
    route_class(5),  # wrong
    include([route("jobs", ws_receive)], path=5),  # wrong
]

reply: WebsocketSend = {"txt": "hello"}  # wrong
code = CloseCode.TRY_AGAIN  # wrong
session_for_reply_channel(5)  # wrong
