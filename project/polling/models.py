"""What has happened."""

from django.db import models
from django.utils import timezone

#: How many are kept.
KEPT = 50


class Ring(models.Model):
    """Somebody rang the bell."""

    text = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.text

    def as_dict(self):
        """What a client gets of it, as JSON."""
        return {"id": self.id, "text": self.text, "at": self.created_at.isoformat()}

    @classmethod
    def latest(cls, count, after=0):
        """Return the last `count` rings whose id is above `after`, the newest last."""
        return list(cls.objects.filter(id__gt=after).order_by("-id")[:count])[::-1]

    @classmethod
    def forget_old(cls):
        """Delete all but the last KEPT."""
        newest = cls.objects.order_by("-id").values_list("id", flat=True)[:KEPT]
        cls.objects.exclude(id__in=list(newest)).delete()
