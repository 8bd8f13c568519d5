"""What came of looking at the books, kept and never changed."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import billing_portal.tenancy.scope
from billing_portal.tenancy.operations import AppendOnly, GuardTenant


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_guards_by_batch'),
        ('tenancy', '0002_tenant_place'),
    ]

    operations = [
        migrations.CreateModel(
            name='Verification',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entries', models.BigIntegerField(help_text='How many there were.')),
                ('checks', models.PositiveSmallIntegerField(help_text='How many were made.')),
                ('findings', models.JSONField(default=list, help_text='Each as [check, words]; the first counts.')),
                ('verified_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(db_index=False, default=billing_portal.tenancy.scope.current_tenant_id, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.tenant')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.CheckConstraint(condition=models.Q(('checks__gte', 1)), name='verification_has_looked_at_something')],
                'indexes': [models.Index(fields=['tenant', '-id'], name='verification_newest')],
            },
        ),
        GuardTenant("Verification"),
        AppendOnly("Verification"),
    ]
