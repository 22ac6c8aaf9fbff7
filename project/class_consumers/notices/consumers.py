"""Notices to a user from anywhere: a view, a shell, a cron job."""

from asgiref.sync import async_to_sync

from channels.generic.websocket import JsonWebsocketConsumer


def group_of(user):
    """The group of all open pages of a user."""
    return f"notices_{user.pk}"


class NoticeConsumer(JsonWebsocketConsumer):
    """A plain consumer: it may use the ORM, and blocks nobody but itself."""

    def connect(self):
        user = self.scope["user"]
        if not user.is_authenticated:
            self.close()
            return
        async_to_sync(self.channel_layer.group_add)(group_of(user), self.channel_name)
        self.accept()
        self.send_json({"text": f"Hello {user.get_username()}: this page waits for notices."})

    def disconnect(self, code):
        user = self.scope["user"]
        if user.is_authenticated:
            async_to_sync(self.channel_layer.group_discard)(group_of(user), self.channel_name)

    def notice_new(self, event):
        """A view has sent {"type": "notice.new"} to the user's group."""
        self.send_json({"text": event["text"]})
