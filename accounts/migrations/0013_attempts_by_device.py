"""Attempts are looked up by device alone when a sign-in gives the device another id."""

from django.db import migrations, models

from foodfleet.core.database.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('accounts', '0012_wording_of_labels'),
    ]

    operations = [
        AddIndexOnline(
            model_name='loginattempts',
            index=models.Index(fields=['device'], condition=models.Q(('device', ''), _negated=True), name='accounts_attempts_device'),
        ),
    ]
