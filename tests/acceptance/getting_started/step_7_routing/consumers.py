from django.http import HttpResponse
from channels import Group
from channels.handler import AsgiHandler


def poll_consumer(message):
    Group("chat-lobby").send({"text": "somebody polled"})
    for chunk in AsgiHandler.encode_response(HttpResponse("polled")):
        message.reply_channel.send(chunk)


def chat_connect(message, room_name):
    message.reply_channel.send({"accept": True})
    Group("chat-%s" % room_name).add(message.reply_channel)
    Group("chat-%s" % room_name).send({"text": "welcome to %s" % room_name})


def chat_disconnect(message):
    Group("chat-lobby").send({"text": "somebody left"})
