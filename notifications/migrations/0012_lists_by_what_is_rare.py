"""Lists of messages of one state, template or channel read no further than their page, at a million messages too."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("notifications", "0011_lifted_because"),
    ]

    operations = [
        AddIndexOnline(
            model_name="message",
            index=models.Index(fields=["template", "-created_at", "-id"], name="notifications_by_template"),
        ),
        AddIndexOnline(
            model_name="message",
            index=models.Index(condition=models.Q(("status__in", ["failed", "bounced", "complained", "suppressed", "cancelled"])), fields=["status", "-created_at", "-id"], name="notifications_not_delivered"),
        ),
        AddIndexOnline(
            model_name="message",
            index=models.Index(condition=models.Q(("channel", "sms")), fields=["-created_at", "-id"], name="notifications_newest_texts"),
        ),
    ]
