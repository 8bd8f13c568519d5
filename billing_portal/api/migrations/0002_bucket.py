"""Buckets of the rate limits: changed by every request, so kept out of the log and apart on pages."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Bucket',
            fields=[
                ('name', models.CharField(help_text='Such as key:7.', max_length=80, primary_key=True, serialize=False)),
                ('full_at', models.DateTimeField()),
            ],
        ),
        migrations.RunSQL(
            [
                'ALTER TABLE api_bucket SET UNLOGGED',
                # Room on each page for the next version of a row, so that no index is touched.
                'ALTER TABLE api_bucket SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0,'
                ' autovacuum_vacuum_threshold = 1000)',
            ],
            migrations.RunSQL.noop,
        ),
    ]
