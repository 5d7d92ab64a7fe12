"""Custom attributes are found along an index."""

import django.contrib.postgres.indexes
from django.db import migrations

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0024_attributes_and_amr"),
    ]

    operations = [
        AddIndexOnline(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["attributes"], name="accounts_user_attributes", opclasses=["jsonb_path_ops"]
            ),
        ),
    ]
