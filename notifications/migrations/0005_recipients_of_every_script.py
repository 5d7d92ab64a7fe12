"""Recipients are kept readable, and suppressed addresses in the one form that recipients are compared in."""

from django.db import migrations, models
from django.db.models import Q

import notifications.models.messages
from foodfleet.core.addresses import normalize_email


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
        ("notifications", "0004_labels"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="to",
            field=models.JSONField(default=list, encoder=notifications.models.messages.ReadableJSONEncoder, verbose_name="to"),
        ),
        migrations.AlterField(
            model_name="message",
            name="cc",
            field=models.JSONField(blank=True, default=list, encoder=notifications.models.messages.ReadableJSONEncoder, verbose_name="cc"),
        ),
        migrations.AlterField(
            model_name="message",
            name="bcc",
            field=models.JSONField(blank=True, default=list, encoder=notifications.models.messages.ReadableJSONEncoder, verbose_name="bcc"),
        ),
        migrations.RunPython(rewrite, migrations.RunPython.noop, elidable=True),
    ]
