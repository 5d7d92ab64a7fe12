from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0003_heartbeat'),
        ('contenttypes', '0002_remove_content_type_name'),  # renamed with the model, also backwards
    ]

    operations = [
        migrations.RenameModel('Stamp', 'CacheVersion'),
    ]
