"""The admin filters users by their staff status along an index: among a million users, staff are few."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0035_reword_help_texts")]

    operations = [
        AddIndexOnline(
            "user", models.Index(fields=["id"], condition=models.Q(is_staff=True), name="accounts_user_staff")
        ),
    ]
