"""Live assignments in a scope are found along an index."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("rbac", "0006_scopes"),
    ]

    operations = [
        AddIndexOnline(
            model_name="roleassignment",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", True), models.Q(("scope", ""), _negated=True)),
                fields=["scope"],
                name="rbac_live_in_scope",
            ),
        ),
    ]
