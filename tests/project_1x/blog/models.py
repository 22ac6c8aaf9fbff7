"""A blog whose posts go live as they are saved."""

import json

from django.contrib.auth.models import User
from django.db import models

from channels import Group


class Post(models.Model):
    slug = models.SlugField()
    title = models.CharField(max_length=100)
    body = models.TextField()
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE)

    @property
    def words(self):
        return len(self.body.split())

    def send_notification(self):
        notification = {"id": self.pk, "title": self.title}
        Group("liveblog-%s" % self.slug).send({"text": json.dumps(notification)})

    def save(self, *args, **kwargs):
        result = super(Post, self).save(*args, **kwargs)
        self.send_notification()
        return result


class ChatMessage(models.Model):
    room = models.CharField(max_length=50)
    message = models.TextField()
