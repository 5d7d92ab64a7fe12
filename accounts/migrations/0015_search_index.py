"""Parts of words are found along an index."""

import django.contrib.postgres.indexes
from django.db import migrations

from foodfleet.core.database.indexes import AddTrigramIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0014_search_text"),
    ]

    operations = [
        AddTrigramIndexOnline(
            model_name="user",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["search_text"], name="accounts_user_search", opclasses=["gin_trgm_ops"]
            ),
        ),
    ]
