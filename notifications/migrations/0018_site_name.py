"""The product's SMS name the site, where staff have not changed them."""

from typing import Any

from django.db import migrations

BEFORE = "Your FoodFleet code to confirm this number is: {{code}}"
AFTER = "Your {{site_name}} code to confirm this number is: {{code}}"


def _replace(apps: Any, before: str, after: str) -> None:
    templates = apps.get_model("notifications", "SmsTemplate").objects
    templates.filter(name="phone_verification", content=before).update(content=after)


def name_the_site(apps: Any, schema_editor: Any) -> None:
    _replace(apps, BEFORE, AFTER)


def name_the_product(apps: Any, schema_editor: Any) -> None:
    _replace(apps, AFTER, BEFORE)


class Migration(migrations.Migration):
    dependencies = [("notifications", "0017_one_table_of_limits")]

    operations = [migrations.RunPython(name_the_site, name_the_product)]
