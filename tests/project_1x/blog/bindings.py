"""Posts, bound to sockets."""

from channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers

from .models import ChatMessage


class ChatMessageBinding(WebsocketBinding):
    model = ChatMessage
    stream = "messages"
    fields = ["room", "message"]

    @classmethod
    def group_names(cls, instance):
        return ["messages-updates"]

    def has_permission(self, user, action, pk):
        return user.is_authenticated


class PostBinding(WebsocketBindingWithMembers):
    model = "blog.Post"
    stream = "posts"
    exclude = ["body"]
    send_members = ["words", "author.username"]

    @classmethod
    def group_names(cls, instance):
        return ["posts-updates"]

    def has_permission(self, user, action, pk):
        return False
