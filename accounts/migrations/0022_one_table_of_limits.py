"""Count attempts in core's table of limits: live locks and counts of wrong passwords and codes stay.

Challenges and codes for a phone live for minutes: after the migration they accept their number of attempts once more.
"""

from datetime import timedelta

import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q
from django.utils import timezone

BATCH = 1000
ATTEMPTS = 5  # that lock, as in services/limits/lockout.py
DAY, MONTH, YEAR = timedelta(days=1), timedelta(days=30), timedelta(days=365)


def move(apps, schema_editor):
    now = timezone.now()
    attempts = apps.get_model("accounts", "LoginAttempts").objects.order_by("pk")
    _insert(apps.get_model("accounts", "KnownDevice"), map(known_device(apps), attempts.exclude(device="").iterator()))
    counted = attempts.filter(Q(locks__gt=0, updated_at__gt=now - MONTH) | Q(tries__gt=0, updated_at__gt=now - DAY))
    limits = apps.get_model("core", "RateLimit")
    _insert(limits, (limits(**login_limit(apps, row)) for row in counted.iterator()))
    codes = apps.get_model("accounts", "CodeAttempts").objects.filter(failures__gt=0)
    _insert(limits, (limits(**code_limit(row, now)) for row in codes.iterator()))
    _rewrite_jobs(apps)


def known_device(apps):
    model = apps.get_model("accounts", "KnownDevice")
    return lambda row: model(address=row.address, device=row.device, signed_in_at=row.updated_at)


def login_limit(apps, row):
    # After a lock, `tries` stays until the next attempt.
    count = row.locks * ATTEMPTS + (row.tries if row.locked_until is None else 0)
    return {
        "key": login_key(apps, row.address, row.device),
        "count": count,
        "blocked_until": row.locked_until,
        "subject": row.user_id,
        "expires_at": row.updated_at + (MONTH if count >= ATTEMPTS else DAY),
    }


def login_key(apps, address, device):
    if not device:
        return f"attempts:login:{address}"
    known = apps.get_model("accounts", "KnownDevice").objects.get(address=address, device=device)
    return f"attempts:login-device:{known.pk}"


def code_limit(row, now):
    return {
        "key": f"attempts:mfa:{row.user_id}",
        "count": row.failures,
        "blocked_until": row.blocked_until,
        "expires_at": now + YEAR,
    }


def _rewrite_jobs(apps):
    """Deferred jobs that have not run yet name the limit by its key."""
    for job in apps.get_model("accounts", "DeferredJob").objects.filter(kind="lock"):
        address, device = job.details.pop("address"), job.details.pop("device")
        job.details["key"] = login_key(apps, address, device).removeprefix("attempts:")
        job.save(update_fields=["details"])


def _insert(model, rows):
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            model.objects.bulk_create(batch)
            batch = []
    model.objects.bulk_create(batch)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0021_no_prefix_search"),
        ("core", "0005_rate_limits"),
    ]

    operations = [
        migrations.CreateModel(
            name="KnownDevice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(help_text="Keyed digest of the e-mail address.", max_length=64)),
                ("device", models.CharField(db_index=True, help_text="Digest of the device's id.", max_length=64)),
                ("signed_in_at", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("address", "device"), name="accounts_known_device_once")
                ],
            },
        ),
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel("LoginAttempts"),
        migrations.DeleteModel("CodeAttempts"),
        migrations.RemoveField("challenge", "attempts"),
        migrations.RemoveField("challenge", "sms_sent"),
        migrations.RemoveField("phonecode", "tries"),
    ]
