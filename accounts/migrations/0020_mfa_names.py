import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Rename the table of MFA resets and the time of use of challenges and backup codes; data stays."""

    dependencies = [
        ("accounts", "0019_help_texts"),
        ("contenttypes", "0002_remove_content_type_name"),  # renamed with the model, also backwards
    ]

    operations = [
        migrations.RenameModel("SecondFactorReset", "MFAReset"),
        migrations.AlterField(
            "mfareset",
            "user",
            models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="mfa_resets", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.RenameField("backupcode", "spent_at", "consumed_at"),
        migrations.RenameField("challenge", "spent_at", "consumed_at"),
    ]
