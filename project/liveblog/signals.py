"""From a saved post to the pages that are open."""

import json
from functools import partial

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from channels import Group
from project.liveblog.models import Post


@receiver(post_save, sender=Post)
def send_update(sender, instance, **kwargs):
    """Show a post that is new or has changed."""
    _tell_readers({"post": instance.as_dict()})


@receiver(post_delete, sender=Post)
def send_deletion(sender, instance, **kwargs):
    """Take a post from the pages."""
    _tell_readers({"deleted": instance.id})


def _tell_readers(event):
    # When the transaction is through: what is rolled back never was. The admin saves in one.
    message = {"text": json.dumps(event)}
    transaction.on_commit(partial(Group("liveblog").send, message))
