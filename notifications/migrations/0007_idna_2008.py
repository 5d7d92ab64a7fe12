"""Suppressed addresses in the one form that recipients are compared in."""

from django.db import migrations
from django.db.models import Q

from foodfleet.core.email_addresses import normalize_email


def rewrite(apps, schema_editor):
    rows = apps.get_model("notifications", "Suppression").objects.using(schema_editor.connection.alias)
    live = rows.filter(channel="email", lifted_at__isnull=True)
    for row in live.filter(Q(address__contains="xn--") | Q(address__regex="[^\x01-\x7f]")).iterator():
        address = normalize_email(row.address)[:254]
        if address == row.address:
            continue
        if live.filter(address=address, kind=row.kind).exists():
            rows.filter(pk=row.pk).delete()
        else:
            rows.filter(pk=row.pk).update(address=address)


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0006_no_digests_to_guess_from"),
    ]

    operations = [
        migrations.RunPython(rewrite, migrations.RunPython.noop, elidable=True),
    ]
