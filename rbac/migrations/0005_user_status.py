import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

OLD, NEW = 'demands:', 'requirements:'


def rename_declarations(apps, old, new):
    declaration = apps.get_model('rbac', 'Declaration')
    for row in declaration.objects.filter(name__startswith=old):
        declaration.objects.create(name=new + row.name.removeprefix(old), labels=row.labels)
        row.delete()


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('rbac', '0004_wording_of_labels'),
    ]

    operations = [
        migrations.RenameModel('Standing', 'UserStatus'),
        migrations.RenameIndex('UserStatus', new_name='rbac_status_of_user', old_name='rbac_standing_of_user'),
        migrations.AlterField(
            model_name='userstatus',
            name='user',
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name='status_history',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(
            lambda apps, editor: rename_declarations(apps, OLD, NEW),
            lambda apps, editor: rename_declarations(apps, NEW, OLD),
        ),
    ]
