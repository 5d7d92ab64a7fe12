"""Accounts whose deletion is due are found along an index."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0027_event_wording"),
    ]

    operations = [
        AddIndexOnline(
            model_name="user",
            index=models.Index(
                condition=models.Q(("deletion_due_at__isnull", False)),
                fields=["deletion_due_at"],
                name="accounts_user_deletion_due",
            ),
        ),
    ]
