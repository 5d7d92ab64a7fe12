"""A plain index instead of the constraint on idempotency keys, which a table in partitions by month cannot have.

`write` in services/compose/writing.py keeps one message for each sender and key.
"""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline, RemoveConstraintOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("notifications", "0019_webhooks"),
    ]

    operations = [
        AddIndexOnline(
            model_name="message",
            index=models.Index(condition=models.Q(("idempotency_key", ""), _negated=True), fields=["sender", "idempotency_key"], name="notifications_by_key"),
        ),
        RemoveConstraintOnline(model_name="message", name="notifications_one_message_a_key"),
    ]
