"""One table for all limits. Counts of sliding windows stay; those of fixed windows, which end soon, do not."""

from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat


def prefix_keys(apps, schema_editor):
    apps.get_model("core", "RateLimit").objects.update(key=Concat(Value("sliding:"), F("key")))


class Migration(migrations.Migration):

    dependencies = [
        ("core", "0004_cache_version"),
        ("contenttypes", "0002_remove_content_type_name"),  # renamed with the model, also backwards
    ]

    operations = [
        migrations.DeleteModel("RateCounter"),
        migrations.RenameModel("SlidingCounter", "RateLimit"),
        migrations.RenameField("ratelimit", "slices", "state"),
        migrations.AlterField(
            "ratelimit",
            "state",
            models.JSONField(default=dict, help_text="Of a sliding window or a token bucket."),
        ),
        migrations.AddField(
            "ratelimit",
            "count",
            models.PositiveIntegerField(default=0, help_text="In a fixed window, or of attempts."),
        ),
        migrations.AddField(
            "ratelimit",
            "blocked_until",
            models.DateTimeField(help_text="Until when no attempt is allowed.", null=True),
        ),
        migrations.AddField(
            "ratelimit",
            "subject",
            models.BigIntegerField(help_text="Identifier of the user whom the block locks out.", null=True),
        ),
        migrations.RunPython(prefix_keys, migrations.RunPython.noop),
        migrations.AddIndex(
            "ratelimit",
            models.Index(
                condition=models.Q(("subject__isnull", False)),
                fields=["blocked_until"],
                name="core_rate_limit_locked",
            ),
        ),
    ]
