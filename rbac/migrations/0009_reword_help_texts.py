"""Reword help texts; no column changes."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rbac', '0008_permission_codenames'),
    ]

    operations = [
        migrations.AlterField(
            model_name='role',
            name='forbids_sms_code',
            field=models.BooleanField(db_default=False, default=False, help_text='Its holders must use an authenticator app, passkey or backup code instead.', verbose_name='forbids codes by text message'),
        ),
    ]
