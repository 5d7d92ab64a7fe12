"""Remove the columns of the earlier search by prefix: it reads `search_text`, and each write filled them for nothing."""

from django.db import migrations

from foodfleet.core.database.columns import RemoveFieldOnce
from foodfleet.core.database.indexes import RemoveIndexOnline


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('accounts', '0020_mfa_names'),
    ]

    operations = [
        RemoveIndexOnline('user', 'accounts_user_first_name'),
        RemoveIndexOnline('user', 'accounts_user_last_name'),
        RemoveFieldOnce('user', 'first_name_lower'),
        RemoveFieldOnce('user', 'last_name_lower'),
    ]
