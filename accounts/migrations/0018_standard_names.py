"""Rename models and fields to the terms of docs/glossary.md; the data stays."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_events_by_time"),
        ("contenttypes", "0002_remove_content_type_name"),  # renamed with the model, also backwards
    ]

    operations = [
        migrations.RenameModel("Errand", "DeferredJob"),
        migrations.AlterModelOptions(
            "deferredjob", {"verbose_name": "deferred job", "verbose_name_plural": "deferred jobs"}
        ),
        migrations.AlterField(
            "deferredjob",
            "kind",
            models.CharField(
                choices=[
                    ("reset_link", "Mail a link to choose a password"),
                    ("confirmation", "Mail another link to confirm an address"),
                    ("lock", "Tell the owner of a lock by wrong passwords"),
                ],
                max_length=30,
            ),
        ),
        migrations.RenameField("onetimetoken", "spent_at", "consumed_at"),
        migrations.RenameField("refreshtoken", "spent_at", "consumed_at"),
        migrations.RenameField("refreshtoken", "successor_box", "successor_ciphertext"),
        migrations.RenameField("signingkey", "secret_box", "secret_ciphertext"),
        migrations.RenameField("session", "proved_at", "reauthenticated_at"),
        migrations.RenameField("session", "second_factor_at", "mfa_passed_at"),
    ]
