"""Reword help texts; no column changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_standard_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='refreshtoken',
            name='predecessor',
            field=models.OneToOneField(blank=True, help_text='The token that was exchanged for this one.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='successor', to='accounts.refreshtoken'),
        ),
        migrations.AlterField(
            model_name='refreshtoken',
            name='successor_ciphertext',
            field=models.TextField(blank=True, default='', help_text='The next pair, encrypted with this token, for REFRESH_GRACE_SECONDS.'),
        ),
        migrations.AlterField(
            model_name='session',
            name='expires_at',
            field=models.DateTimeField(help_text='The session ends then, even if it is used.'),
        ),
        migrations.AlterField(
            model_name='session',
            name='fingerprint',
            field=models.CharField(blank=True, default='', help_text='Recognises the device.', max_length=32),
        ),
        migrations.AlterField(
            model_name='session',
            name='mfa_passed_at',
            field=models.DateTimeField(help_text='When the owner last passed two-factor authentication.', null=True),
        ),
        migrations.AlterField(
            model_name='session',
            name='reauthenticated_at',
            field=models.DateTimeField(help_text='When the owner last re-authenticated.', null=True),
        ),
        migrations.AlterField(
            model_name='signingkey',
            name='revoked_at',
            field=models.DateTimeField(blank=True, help_text='Its tokens are rejected from then on. A key of the environment gets a row too.', null=True),
        ),
        migrations.AlterField(
            model_name='signingkey',
            name='verifies_until',
            field=models.DateTimeField(blank=True, help_text='Empty while it signs.', null=True),
        ),
    ]
