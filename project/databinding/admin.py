"""The values in Django's admin."""

from django.contrib import admin

from project.databinding.models import IntegerValue


@admin.register(IntegerValue)
class IntegerValueAdmin(admin.ModelAdmin):
    """Values: change one here, and see the table change."""

    list_display = ["name", "value"]
