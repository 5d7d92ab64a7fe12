"""Messages, and what belongs to them, are stored in partitions by month on PostgreSQL: a month is removed by dropping it."""

from django.db import migrations

from foodfleet.core.database.partitioning import PartitionByMonth


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0021_messages_without_foreign_keys")]

    operations = [
        PartitionByMonth("message"),
        PartitionByMonth("messageevent", by="message_created_at"),
        PartitionByMonth("searchtext", by="message_created_at"),
        PartitionByMonth("webhookdelivery"),
    ]
