"""Parts of recipients and subjects are found along an index."""

import django.contrib.postgres.indexes
from django.db import migrations

from foodfleet.core.database.indexes import AddTrigramIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("notifications", "0013_search_text"),
    ]

    operations = [
        AddTrigramIndexOnline(
            model_name="searchtext",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["text"], name="notifications_search", opclasses=["gin_trgm_ops"]
            ),
        ),
    ]
