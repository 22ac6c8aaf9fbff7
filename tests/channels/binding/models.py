"""Models for bindings to follow."""

from django.db import models


class Label(models.Model):
    text = models.CharField(max_length=50)


class Note(models.Model):
    title = models.CharField(max_length=50)
    body = models.TextField(default="")
    secret = models.CharField(max_length=50, default="")
    group = models.CharField(max_length=50, default="notes")
    made = models.DateTimeField(auto_now_add=True)
    owner = models.ForeignKey("auth.User", models.CASCADE, null=True, blank=True)
    labels = models.ManyToManyField(Label)

    colour = "yellow"

    @property
    def shout(self):
        return self.title.upper()

    def length(self):
        return len(self.body)
