"""Recipients are kept readable. Suppressed addresses are rewritten by 0007."""

from django.db import migrations, models

import notifications.models.messages


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
    ]
