from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0003_heartbeat'),
    ]

    operations = [
        migrations.RenameModel('Stamp', 'CacheVersion'),
    ]
