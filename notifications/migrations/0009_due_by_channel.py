"""What is due is looked for by channel: no channel reads past the messages of another."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline, RemoveIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("notifications", "0008_wording_of_labels"),
    ]

    operations = [
        AddIndexOnline(
            model_name="message",
            index=models.Index(condition=models.Q(("status", "queued")), fields=["channel", "priority", "due_at"], name="notifications_due_by_way"),
        ),
        RemoveIndexOnline(
            model_name="message",
            name="notifications_due",
        ),
    ]
