"""Names of counts may have the name of a template: up to 150 characters."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0009_saved_views")]

    operations = [migrations.AlterField("hourlycount", "name", models.CharField(max_length=150))]
