"""Security events are found by IP address along an index."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0022_one_table_of_limits"),
    ]

    operations = [
        AddIndexOnline(
            model_name="securityevent",
            index=models.Index(fields=["ip", "-created_at", "-id"], name="accounts_event_of_ip"),
        ),
    ]
