"""Scopes with names and members; each scope that a role is assigned in gets a row."""

import re

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SCOPE = re.compile(r"[a-z][a-z0-9_]*:[A-Za-z0-9_.-]+")


def add_scopes_in_use(apps, schema_editor):
    """Add the scopes of assignments that have not ended."""
    scope, assignment = apps.get_model("rbac", "Scope"), apps.get_model("rbac", "RoleAssignment")
    unended = assignment._base_manager.filter(ended_at__isnull=True).exclude(scope="")
    used = unended.order_by().values_list("scope", flat=True).distinct()
    rows = [
        scope(kind=identifier.partition(":")[0], key=identifier.partition(":")[2], identifier=identifier)
        for identifier in used
        if SCOPE.fullmatch(identifier)
    ]
    scope.objects.bulk_create(rows, batch_size=1000)


class Migration(migrations.Migration):

    dependencies = [
        ('rbac', '0005_user_status'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Scope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='Such as fleet.', max_length=100, verbose_name='kind')),
                ('key', models.CharField(help_text='Such as 12: with the kind, roles name it fleet:12.', max_length=100, verbose_name='key')),
                ('identifier', models.CharField(editable=False, max_length=100, unique=True)),
                ('name', models.CharField(blank=True, default='', max_length=150, verbose_name='name')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created')),
            ],
            options={
                'verbose_name': 'scope',
                'verbose_name_plural': 'scopes',
            },
        ),
        migrations.CreateModel(
            name='ScopeMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='added')),
            ],
            options={
                'verbose_name': 'member of a scope',
                'verbose_name_plural': 'members of scopes',
            },
        ),
        migrations.AddField(
            model_name='scope',
            name='parent',
            field=models.ForeignKey(blank=True, help_text='Roles in the parent also apply in this scope.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='rbac.scope', verbose_name='parent'),
        ),
        migrations.AddField(
            model_name='scopemembership',
            name='added_by',
            field=models.ForeignKey(blank=True, db_constraint=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='scopemembership',
            name='scope',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='rbac.scope', to_field='identifier'),
        ),
        migrations.AddField(
            model_name='scopemembership',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scope_memberships', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='scope',
            constraint=models.CheckConstraint(condition=models.Q(('parent', models.F('id')), _negated=True), name='rbac_scope_not_below_itself'),
        ),
        migrations.AddIndex(
            model_name='scopemembership',
            index=models.Index(fields=['scope', 'id'], name='rbac_members_by_entry'),
        ),
        migrations.AddConstraint(
            model_name='scopemembership',
            constraint=models.UniqueConstraint(fields=('scope', 'user'), name='rbac_member_once'),
        ),
        migrations.RunPython(add_scopes_in_use, migrations.RunPython.noop),
    ]
