"""The codenames of permissions are called codenames."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rbac", "0007_assignments_by_scope"),
    ]

    operations = [
        migrations.RenameField(
            model_name="declaration",
            old_name="labels",
            new_name="codenames",
        ),
        migrations.AlterField(
            model_name="rolerevision",
            name="permissions",
            field=models.JSONField(default=list, help_text="The role's own permissions."),
        ),
    ]
