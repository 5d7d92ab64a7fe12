"""One column that search reads: normalised and without case, by Python."""

from django.db import migrations, models

from foodfleet.core.typed_text import searchable

BATCH = 1000


def fill(apps, schema_editor):
    """Write it for the accounts that there are, in batches that each commit."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(users.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for user in batch:
            user.search_text = searchable(user.email, user.first_name, user.last_name, user.phone)
        users.bulk_update(batch, ["search_text"])
        last = batch[-1].pk


class AddFieldOnce(migrations.AddField):
    """AddField that may be run again: filling the column takes long, and may be interrupted."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        with schema_editor.connection.cursor() as cursor:
            columns = schema_editor.connection.introspection.get_table_description(cursor, table)
        if self.name not in {column.name for column in columns}:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0013_attempts_by_device"),
    ]

    operations = [
        AddFieldOnce(
            model_name="user",
            name="search_text",
            field=models.TextField(db_default="", default="", editable=False, help_text="What search reads."),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
