"""Digests of what was sent, from which a code of six digits could be found by trying them all, are emptied."""

from django.db import migrations

BATCH = 5000


def empty(apps, schema_editor):
    messages = apps.get_model("notifications", "Message").objects.using(schema_editor.connection.alias)
    left = messages.order_by("pk")
    while keys := list(left.values_list("pk", flat=True)[:BATCH]):
        left.filter(pk__lte=keys[-1]).exclude(body_digest="").order_by().update(body_digest="")
        left = left.filter(pk__gt=keys[-1])


class Migration(migrations.Migration):

    atomic = False  # a batch at a time: nobody waits for all of them

    dependencies = [
        ("notifications", "0005_recipients_of_every_script"),
    ]

    operations = [
        migrations.RunPython(empty, migrations.RunPython.noop, elidable=True),
    ]
