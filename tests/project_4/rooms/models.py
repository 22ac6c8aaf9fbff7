from django.db import models


class Line(models.Model):
    room = models.CharField(max_length=50)
    author = models.CharField(max_length=150)
    text = models.TextField()
