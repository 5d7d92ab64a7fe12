"""Users have custom attributes, and sessions know how their owner authenticated."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0023_events_by_ip"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="attributes",
            field=models.JSONField(
                blank=True, db_default={}, default=dict, help_text="As USER_ATTRIBUTES describes them.", verbose_name="attributes"
            ),
        ),
        migrations.AddField(
            model_name="session",
            name="amr",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="How the owner last authenticated: values of RFC 8176 with spaces between.",
                max_length=40,
            ),
        ),
    ]
