from django.db import migrations


def delete(apps, schema_editor):
    """Delete the versions of users' assignments and of leases, which nothing reads any more."""
    apps.get_model("core", "CacheVersion").objects.exclude(key="roles").delete()


class Migration(migrations.Migration):
    dependencies = [("core", "0005_rate_limits")]

    operations = [migrations.RunPython(delete, migrations.RunPython.noop, elidable=True)]
