"""The admin filters users by their last sign-in, and those who were invited and have not come, along an index."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0033_events_by_month")]

    operations = [
        AddIndexOnline("user", models.Index(fields=["last_login"], name="accounts_user_last_login")),
        AddIndexOnline(
            "user",
            models.Index(
                fields=["id"],
                condition=models.Q(invited_at__isnull=False, email_verified_at__isnull=True),
                name="accounts_user_invited",
            ),
        ),
    ]
