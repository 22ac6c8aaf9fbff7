"""The chat in Django's admin."""

from django.contrib import admin

from project.chat.models import Message, Presence, Room


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    """Rooms, with a picture to upload."""

    list_display = ["name", "slug", "topic", "created_at"]
    search_fields = ["name", "topic"]


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """What was said."""

    list_display = ["created_at", "room", "author", "text"]
    list_filter = ["room", "is_announcement"]
    search_fields = ["text"]
    list_select_related = ["room", "author"]


@admin.register(Presence)
class PresenceAdmin(admin.ModelAdmin):
    """Who is where."""

    list_display = ["room", "user", "reply_channel"]
