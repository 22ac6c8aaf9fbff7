"""One table, made and filled by the benchmark before a contender starts."""

from django.db import models


class Entry(models.Model):
    """A line of the page that the template view draws."""

    title = models.CharField(max_length=100)
    text = models.TextField()

    class Meta:
        app_label = "pages"
        db_table = "entry"
        managed = False
