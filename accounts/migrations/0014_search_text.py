"""One column that search reads: normalised and without case, by Python."""

from django.db import migrations, models

from foodfleet.core.database.columns import AddFieldOnce
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
