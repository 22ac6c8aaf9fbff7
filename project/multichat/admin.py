"""The rooms in Django's admin."""

from django.contrib import admin

from project.multichat.models import Room


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    """Rooms, and who may join them."""

    list_display = ["title", "staff_only"]
