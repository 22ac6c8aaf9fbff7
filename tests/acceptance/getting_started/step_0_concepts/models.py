from django.db import models


class BlogUpdate(models.Model):
    content = models.TextField()
