import json

from django.db.models.signals import post_save
from django.dispatch import receiver

from channels import Group
from channels.handler import AsgiHandler, AsgiRequest

from .models import BlogUpdate
from .views import view


# 监听 http.request
def my_consumer(message):
    # 将 request 从 message 格式转为 Request 对象
    django_request = AsgiRequest(message)
    django_response=view(django_request)
    for chunk in AsgiHandler.encode_response(django_response):
        message.reply_channel.send(chunk)


@receiver(post_save, sender=BlogUpdate)
def send_update(sender, instance, **kwargs):
    Group("liveblog").send({
        "text": json.dumps({
            "id": instance.id,
            "content": instance.content
        })
})
# Connected to websocket.connect
def ws_connect(message):
    # Add to reader group 
    Group("liveblog").add(message.reply_channel) 
    # Accept the connection request 
    message.reply_channel.send({"accept": True})

# Connected to websocket.disconnect
def ws_disconnect(message):
    # Remove from reader group on clean disconnect 
    Group("liveblog").discard(message.reply_channel)
