from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0006_versions_of_users")]

    operations = [
        migrations.CreateModel(
            name="Sample",
            fields=[
                ("series", models.TextField(primary_key=True, serialize=False)),
                ("value", models.FloatField()),
            ],
        ),
    ]
