"""What monitoring counts every few seconds, found without reading every job there ever was."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('jobs', '0002_workers_and_civil_rules'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='job',
            index=models.Index(condition=models.Q(('state__in', ['queued', 'running', 'failed'])), fields=['queue', 'state', 'run_after'], name='job_not_well_ended'),
        ),
    ]
