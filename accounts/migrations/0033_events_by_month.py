"""Security events are stored in partitions by month on PostgreSQL, so that old ones are removed by dropping tables."""

from django.db import migrations

from foodfleet.core.database.partitioning import PartitionByMonth


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0032_event_kinds_of_modules")]

    operations = [PartitionByMonth("securityevent")]
