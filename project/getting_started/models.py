"""What step 6 keeps."""

from django.db import models


class ChatMessage(models.Model):
    """Something said in a room of step 6."""

    room = models.CharField(max_length=100)
    message = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.room}: {self.message[:40]}"
