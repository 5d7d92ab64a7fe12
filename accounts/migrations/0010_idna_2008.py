"""Addresses whose domain is of another script, or written as `xn--...`, in the one form that they are looked up in."""

import django.core.validators
import structlog
from django.db import migrations, models
from django.db.models import Q

import foodfleet.core.email_addresses
import foodfleet.core.names
from foodfleet.core.email_addresses import normalize_email

logger = structlog.get_logger(__name__)


def rewrite(apps, schema_editor):
    """A domain that IDNA 2003 wrote another way (`fass.example` for `faß.example`) stays: its owner confirmed it."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    for user in users.filter(Q(email__contains="xn--") | Q(email__regex="[^\x01-\x7f]")).iterator():
        email = normalize_email(user.email)
        if email == user.email:
            continue
        if users.filter(email=email).exists():  # two accounts of one mailbox: staff decide which stays
            logger.warning("address_has_two_accounts", user_id=user.pk)
        else:
            users.filter(pk=user.pk).update(email=email)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0009_revoked_keys"),
    ]

    operations = [
        migrations.AlterField(
            model_name='phonecode',
            name='phone',
            field=models.CharField(max_length=16, validators=[django.core.validators.RegexValidator('^\\+[1-9][0-9]{6,14}\\Z', 'Give the number with its country code, such as +4915123456789.')]),
        ),
        migrations.AlterField(
            model_name='user',
            name='email',
            field=models.EmailField(max_length=254, unique=True, validators=[django.core.validators.ProhibitNullCharactersValidator(), foodfleet.core.email_addresses.validate_mailable], verbose_name='e-mail address'),
        ),
        migrations.AlterField(
            model_name='user',
            name='first_name',
            field=models.CharField(blank=True, default='', max_length=150, validators=[foodfleet.core.names.validate_name], verbose_name='first name'),
        ),
        migrations.AlterField(
            model_name='user',
            name='last_name',
            field=models.CharField(blank=True, default='', max_length=150, validators=[foodfleet.core.names.validate_name], verbose_name='last name'),
        ),
        migrations.AlterField(
            model_name='user',
            name='phone',
            field=models.CharField(blank=True, default='', max_length=16, validators=[django.core.validators.RegexValidator('^\\+[1-9][0-9]{6,14}\\Z', 'Give the number with its country code, such as +4915123456789.')], verbose_name='phone'),
        ),
        migrations.RunPython(rewrite, migrations.RunPython.noop, elidable=True),
    ]
