"""Indexes for the lists of security events and for the removal of old ones."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0016_session_end_reasons")]

    operations = [
        AddIndexOnline("securityevent", models.Index(fields=["-created_at", "-id"], name="accounts_event_by_time")),
        AddIndexOnline(
            "securityevent", models.Index(fields=["kind", "-created_at", "-id"], name="accounts_event_of_kind")
        ),
    ]
