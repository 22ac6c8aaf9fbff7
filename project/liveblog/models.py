"""The posts of the live blog."""

from django.db import models
from django.utils import timezone


class Post(models.Model):
    """One post; it knows nothing of sockets."""

    headline = models.CharField(max_length=100)
    body = models.TextField(max_length=2_000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.headline

    def as_dict(self):
        """What the page gets of it, as JSON."""
        return {
            "id": self.id,
            "headline": self.headline,
            "body": self.body,
            "at": self.created_at.isoformat(),
        }
