"""Rooms, what was said in them, and who is there."""

import uuid

from django.conf import settings
from django.core.validators import FileExtensionValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

#: Characters of one message.
MAX_TEXT = 2_000

_PICTURES = FileExtensionValidator(["png", "jpg", "jpeg", "gif", "webp"])


class Room(models.Model):
    """A room; its slug names its URL and its Group, so it is made of ASCII letters and digits."""

    name = models.CharField(max_length=60, unique=True)
    slug = models.SlugField(max_length=60, unique=True, editable=False)
    topic = models.CharField(max_length=120, blank=True)
    picture = models.FileField(upload_to="rooms/", blank=True, validators=[_PICTURES])
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        if not self.slug:
            self.slug = self._free_slug()
        super().save(*args, **kwargs)

    def _free_slug(self):
        """`slugify` leaves nothing of 咖啡, and one string for "Tea!" and "tea"."""
        slug = slugify(self.name)[:50]
        if slug and not Room.objects.filter(slug=slug).exists():
            return slug
        return f"{slug or 'room'}-{uuid.uuid4().hex[:8]}"

    def get_absolute_url(self):
        return reverse("chat:room", args=[self.slug])

    @property
    def group_name(self):
        """The Group that holds the sockets in this room."""
        return f"chat-{self.slug}"


class Message(models.Model):
    """Something said in a room."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="messages")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.TextField(max_length=MAX_TEXT)
    #: Chosen by the page that sent it: a message that is sent again is not said twice.
    key = models.CharField(max_length=40, editable=False, default=uuid.uuid4)
    is_announcement = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["room", "id"])]
        constraints = [models.UniqueConstraint(fields=["author", "key"], name="one_per_key")]

    def __str__(self):
        return f"{self.author}: {self.text[:40]}"

    def as_dict(self):
        """What the page gets of it, as JSON."""
        return {
            "type": "message",
            "id": self.id,
            "author": self.author.get_username(),
            "text": self.text,
            "key": str(self.key),
            "announcement": self.is_announcement,
            "at": self.created_at.isoformat(),
        }


class Presence(models.Model):
    """A socket that is open in a room."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="presences")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    reply_channel = models.CharField(max_length=200, unique=True)

    class Meta:
        verbose_name_plural = "presences"

    def __str__(self):
        return f"{self.user} in {self.room}"
