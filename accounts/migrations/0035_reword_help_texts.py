"""Reword help texts; no column changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0034_last_seen_and_invited_index'),
    ]

    operations = [
        migrations.AlterField(
            model_name='apikey',
            name='allowed_networks',
            field=models.JSONField(blank=True, default=list, help_text='Networks it may be used from; empty: any.', verbose_name='allowed networks'),
        ),
        migrations.AlterField(
            model_name='apikey',
            name='permissions',
            field=models.JSONField(blank=True, help_text='Limit to these permissions of the account; null: no limit.', null=True, verbose_name='permissions'),
        ),
        migrations.AlterField(
            model_name='onetimetoken',
            name='data',
            field=models.JSONField(default=dict, help_text='Data for the purpose, such as the new address.'),
        ),
        migrations.AlterField(
            model_name='passkey',
            name='is_backed_up',
            field=models.BooleanField(default=False, help_text='The provider has synced it to other devices.'),
        ),
        migrations.AlterField(
            model_name='passkey',
            name='is_backup_eligible',
            field=models.BooleanField(help_text='The provider may sync it. This never changes; empty until it is known.', null=True),
        ),
        migrations.AlterField(
            model_name='passkey',
            name='passwordless',
            field=models.BooleanField(default=False, help_text='Signs in without the password.'),
        ),
        migrations.AlterField(
            model_name='refreshtoken',
            name='kid',
            field=models.CharField(blank=True, db_default='', default='', help_text='The key that signed it; empty for tokens from before this column existed.', max_length=32),
        ),
        migrations.AlterField(
            model_name='refreshtoken',
            name='successor_ciphertext',
            field=models.TextField(blank=True, default='', help_text='The next pair of tokens, encrypted with this token, for REFRESH_GRACE_SECONDS.'),
        ),
        migrations.AlterField(
            model_name='serviceaccount',
            name='owner',
            field=models.ForeignKey(blank=True, help_text='The person responsible for it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_service_accounts', to=settings.AUTH_USER_MODEL, verbose_name='owner'),
        ),
        migrations.AlterField(
            model_name='session',
            name='amr',
            field=models.CharField(blank=True, db_default='', default='', help_text='How the owner last authenticated: values of RFC 8176, separated by spaces.', max_length=40),
        ),
        migrations.AlterField(
            model_name='session',
            name='fingerprint',
            field=models.CharField(blank=True, default='', help_text='Identifies the device.', max_length=32),
        ),
        migrations.AlterField(
            model_name='signingkey',
            name='secret_ciphertext',
            field=models.TextField(blank=True, help_text='Encrypted with ENCRYPTION_KEYS; empty once the key verifies no tokens.'),
        ),
        migrations.AlterField(
            model_name='totpdevice',
            name='last_step',
            field=models.BigIntegerField(default=0, help_text='Time step of the last code used. Codes up to this step are rejected.'),
        ),
        migrations.AlterField(
            model_name='totpdevice',
            name='secret',
            field=models.TextField(help_text='Encrypted with ENCRYPTION_KEYS.'),
        ),
        migrations.AlterField(
            model_name='user',
            name='deleted_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When personal data was removed. The row remains because audit rows refer to it.', null=True, verbose_name='deleted'),
        ),
        migrations.AlterField(
            model_name='user',
            name='deletion_due_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='When the account will be deleted, as its owner requested.', null=True, verbose_name='deletion'),
        ),
        migrations.AlterField(
            model_name='user',
            name='is_superuser',
            field=models.BooleanField(default=False, help_text='Has every permission without any role.', verbose_name='superuser'),
        ),
        migrations.AlterField(
            model_name='user',
            name='search_text',
            field=models.TextField(db_default='', default='', editable=False, help_text='The text that search looks in.'),
        ),
    ]
