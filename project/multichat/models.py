"""The rooms."""

import json

from django.db import models

from channels import Group


class Room(models.Model):
    """A room that sockets join and leave. What is said in it is not kept."""

    id: int  # Django's; an editor can't know

    title = models.CharField(max_length=60)
    staff_only = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.title

    @property
    def websocket_group(self):
        """The Group of the sockets that have joined."""
        return Group(f"multichat-room-{self.id}")

    def send_message(self, text, user, kind="message"):
        """Send something to whoever has joined; `kind`: "message", "enter" or "leave"."""
        event = {"room": self.id, "kind": kind, "username": user.get_username(), "message": text}
        self.websocket_group.send({"text": json.dumps(event)})
