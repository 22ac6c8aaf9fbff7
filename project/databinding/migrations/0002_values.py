"""Values to begin with."""

from django.db import migrations

VALUES = {"Apples": 12, "Pears": 7, "Plums": 31}


def make_values(apps, schema_editor):
    model = apps.get_model("databinding", "IntegerValue")
    model.objects.bulk_create(model(name=name, value=value) for name, value in VALUES.items())


class Migration(migrations.Migration):
    dependencies = [("databinding", "0001_initial")]
    operations = [migrations.RunPython(make_values, migrations.RunPython.noop)]
