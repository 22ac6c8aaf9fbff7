"""Rooms to begin with."""

from django.db import migrations

ROOMS = {"Kitchen": False, "Garden": False, "Staff": True}


def make_rooms(apps, schema_editor):
    model = apps.get_model("multichat", "Room")
    model.objects.bulk_create(
        model(title=title, staff_only=staff_only) for title, staff_only in ROOMS.items()
    )


class Migration(migrations.Migration):
    dependencies = [("multichat", "0001_initial")]
    operations = [migrations.RunPython(make_rooms, migrations.RunPython.noop)]
