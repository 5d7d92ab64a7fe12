"""Prepare messages, and what belongs to them, for partitions by the month of the message.

A foreign key would have to refer to the whole primary key of the messages, and forbid to drop a month of them.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from foodfleet.core.database.columns import AddFieldOnce, DropForeignKey

TEXT = """lower(concat_ws(' ', NEW."to"::text, NEW.subject, NEW.template))"""
FUNCTION = f"""
CREATE OR REPLACE FUNCTION notifications_write_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        UPDATE notifications_searchtext SET text = {TEXT}, request_id = NEW.request_id
        WHERE message_id = NEW.id AND message_created_at >= NEW.created_at - interval '1 day'; -- clocks differ
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO notifications_searchtext (message_id, message_created_at, text, request_id)
    VALUES (NEW.id, NEW.created_at, {TEXT}, NEW.request_id);
    RETURN NULL;
END $$;
"""
BEFORE = f"""
CREATE OR REPLACE FUNCTION notifications_write_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications_searchtext (message_id, text, request_id)
    VALUES (NEW.id, {TEXT}, NEW.request_id)
    ON CONFLICT (message_id) DO UPDATE SET text = EXCLUDED.text, request_id = EXCLUDED.request_id;
    RETURN NULL;
END $$;
"""


def on_postgresql(statement):
    """Return a function for RunPython."""

    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(statement)

    return run


def message_time():
    return models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)


def reference(kind, name, **options):
    return kind(
        db_constraint=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=name,
        to="notifications.message",
        **options,
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("notifications", "0020_keys_without_a_constraint")]

    operations = [
        AddFieldOnce("messageevent", "message_created_at", message_time()),
        AddFieldOnce("searchtext", "message_created_at", message_time()),
        migrations.RunPython(on_postgresql(FUNCTION), on_postgresql(BEFORE)),
        DropForeignKey("attachment", "message", reference(models.ForeignKey, "attachments")),
        DropForeignKey("messageevent", "message", reference(models.ForeignKey, "events")),
        DropForeignKey(
            "searchtext",
            "message",
            reference(models.OneToOneField, "search_text", primary_key=True, serialize=False),
        ),
        DropForeignKey(
            "webhookdelivery",
            "message",
            reference(models.OneToOneField, "webhook", primary_key=True, serialize=False),
        ),
    ]
