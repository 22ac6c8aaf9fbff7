"""What the table shows."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

#: The largest value, and, negative, the smallest.
LIMIT = 1_000_000


class IntegerValue(models.Model):
    """A number with a name."""

    name = models.CharField(max_length=40, unique=True)
    value = models.IntegerField(
        default=0, validators=[MinValueValidator(-LIMIT), MaxValueValidator(LIMIT)]
    )

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return f"{self.name}: {self.value}"

    def save(self, **kwargs):
        # A binding saves what a browser sent; no form has looked at it.
        self.full_clean()
        super().save(**kwargs)
