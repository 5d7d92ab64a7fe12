from django.db import migrations


class Migration(migrations.Migration):
    """The rate of a provider is counted in core's table of limits; the bucket's state lasts seconds."""

    dependencies = [("notifications", "0016_rename_delivery_fields")]

    operations = [migrations.DeleteModel("RateBucket")]
