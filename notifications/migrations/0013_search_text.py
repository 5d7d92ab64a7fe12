"""What the search of messages reads, apart from the messages: a row of theirs is written anew with each step of sending.

On PostgreSQL a trigger writes it, so that it is right however a message is written. Other databases have no such index
and look through the messages themselves.
"""

import django.db.models.deletion
from django.db import migrations, models

TEXT = """lower(concat_ws(' ', {row}."to"::text, {row}.subject, {row}.template))"""
FUNCTION = f"""
CREATE OR REPLACE FUNCTION notifications_write_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications_searchtext (message_id, text, request_id)
    VALUES (NEW.id, {TEXT.format(row="NEW")}, NEW.request_id)
    ON CONFLICT (message_id) DO UPDATE SET text = EXCLUDED.text, request_id = EXCLUDED.request_id;
    RETURN NULL;
END $$;
CREATE TRIGGER notifications_search_new AFTER INSERT ON notifications_message
    FOR EACH ROW EXECUTE FUNCTION notifications_write_search_text();
CREATE TRIGGER notifications_search_changed AFTER UPDATE OF "to", subject, template, request_id ON notifications_message
    FOR EACH ROW WHEN (OLD."to" IS DISTINCT FROM NEW."to" OR OLD.subject IS DISTINCT FROM NEW.subject
        OR OLD.template IS DISTINCT FROM NEW.template OR OLD.request_id IS DISTINCT FROM NEW.request_id)
    EXECUTE FUNCTION notifications_write_search_text();
"""
NO_FUNCTION = """
DROP TRIGGER IF EXISTS notifications_search_new ON notifications_message;
DROP TRIGGER IF EXISTS notifications_search_changed ON notifications_message;
DROP FUNCTION IF EXISTS notifications_write_search_text();
"""
FILL = f"""
INSERT INTO notifications_searchtext (message_id, text, request_id)
SELECT id, {TEXT.format(row="message")}, request_id FROM notifications_message AS message ON CONFLICT DO NOTHING
"""


def on_postgresql(*statements):
    """A function for RunPython."""

    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            with schema_editor.connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    return run


class Migration(migrations.Migration):

    dependencies = [
        ("notifications", "0012_lists_by_what_is_rare"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchText",
            fields=[
                ("message", models.OneToOneField(
                    on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="search_text",
                    serialize=False, to="notifications.message",
                )),
                ("text", models.TextField(help_text="Written by the database.")),
                ("request_id", models.CharField(db_default="", default="", max_length=64)),
            ],
        ),
        migrations.AddIndex(
            model_name="searchtext",
            index=models.Index(
                condition=~models.Q(request_id=""), fields=["request_id"], name="notifications_request_id"
            ),
        ),
        migrations.RunPython(
            on_postgresql("SET LOCAL statement_timeout = 0", FUNCTION, FILL), on_postgresql(NO_FUNCTION)
        ),
    ]
