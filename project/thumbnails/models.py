"""Pictures and their thumbnails."""

import json

from django.conf import settings
from django.core.validators import FileExtensionValidator
from django.db import models
from django.utils import timezone

from channels import Group


class Picture(models.Model):
    """A picture that somebody has uploaded, and how far its thumbnails are."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    original = models.FileField(
        upload_to="pictures/",
        validators=[FileExtensionValidator(["png", "jpg", "jpeg", "gif", "webp"])],
    )
    name = models.CharField(max_length=100, editable=False)
    percent = models.PositiveSmallIntegerField(default=0, editable=False)
    #: Why there are no thumbnails; empty if there is no such reason.
    problem = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name

    def as_dict(self):
        """What the page gets of it, as JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "percent": self.percent,
            "problem": self.problem,
            "thumbnails": [
                {"width": one.width, "url": one.file.url} for one in self.thumbnails.all()
            ],
        }

    def tell(self, *, percent, problem="", immediately=False):
        """Save how far it is, and tell its owner's pages.

        `immediately`: before the consumer that calls it has ended.
        """
        self.percent, self.problem = percent, problem
        self.save(update_fields=["percent", "problem"])
        message = {"text": json.dumps(self.as_dict())}
        owner_group(self.owner_id).send(message, immediately=immediately)


class Thumbnail(models.Model):
    """A picture in a smaller size."""

    picture = models.ForeignKey(Picture, models.CASCADE, related_name="thumbnails")
    #: Pixels of its longer side.
    width = models.PositiveSmallIntegerField()
    file = models.FileField(upload_to="thumbnails/")

    class Meta:
        ordering = ["width"]
        constraints = [models.UniqueConstraint(fields=["picture", "width"], name="one_per_width")]

    def __str__(self):
        return f"{self.picture} in {self.width}"


def owner_group(user_id):
    """Return the Group of somebody's pages."""
    return Group(f"thumbnails-{user_id}")
