"""The table of delayed messages, made unless Channels 1.x has left it here."""

from typing import Any

from django.db import migrations, models


class CreateModelUnlessThere(migrations.CreateModel):
    """1.x recorded its migration under a label that Django no longer takes: look for the table."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        if table not in schema_editor.connection.introspection.table_names():
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        CreateModelUnlessThere(
            name="DelayedMessage",
            fields=[
                (
                    "id",
                    models.AutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("due_date", models.DateTimeField(db_index=True)),
                ("channel_name", models.CharField(max_length=512)),
                ("content", models.TextField()),
            ],
            options={"db_table": "channels.delay_delayedmessage"},
        ),
    ]
