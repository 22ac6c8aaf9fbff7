"""What the admin needs to know of the live page: its name, and who may see it and act on it."""

from django.db import models


class LivePage(models.Model):
    """No table: it stands for the live page in the admin's lists of models and permissions.

    `view` lets a staff user look, `change` lets him act.
    """

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        verbose_name = "live page"
        verbose_name_plural = "live page"
