"""Addresses whose domain is of another script, or written as `xn--...`, in the one form that they are looked up in."""

import structlog
from django.db import migrations
from django.db.models import Q

from foodfleet.core.addresses import normalize_email

logger = structlog.get_logger(__name__)


def rewrite(apps, schema_editor):
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
        ("accounts", "0007_labels"),
    ]

    operations = [
        migrations.RunPython(rewrite, migrations.RunPython.noop, elidable=True),
    ]
