"""The live blog in Django's admin."""

from django.contrib import admin

from project.liveblog.models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    """Posts: save one here, and see it appear."""

    list_display = ["created_at", "headline"]
