from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0015_plain_labels")]

    operations = [
        migrations.RenameField("message", "handed_over_at", "send_started_at"),
        migrations.RenameField("ratebucket", "held_until", "reserved_until"),
        migrations.RenameField("ratebucket", "held_for", "reserved_for"),
        migrations.AlterField(
            model_name="message",
            name="send_started_at",
            field=models.DateTimeField(editable=False, help_text="When the provider was called.", null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="claim",
            field=models.UUIDField(editable=False, help_text="The dispatcher that claimed it.", null=True),
        ),
        migrations.AlterField(
            model_name="message",
            name="is_uncertain",
            field=models.BooleanField(
                default=False,
                help_text="The sending process died: it may have been sent, perhaps twice.",
                verbose_name="uncertain",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="reduced_at",
            field=models.DateTimeField(editable=False, help_text="When its content was removed.", null=True),
        ),
        migrations.AlterField(
            model_name="ratebucket",
            name="recent",
            field=models.JSONField(
                db_default={}, default=dict, help_text="Recipients that permits were given for, by interval."
            ),
        ),
        migrations.AlterField(
            model_name="ratebucket",
            name="reserved_until",
            field=models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="Unix time until which room is reserved for a mail to many.",
            ),
        ),
        migrations.AlterField(
            model_name="ratebucket",
            name="reserved_for",
            field=models.PositiveIntegerField(db_default=0, default=0, help_text="Number of these recipients."),
        ),
    ]
