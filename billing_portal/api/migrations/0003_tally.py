"""Numbers of requests: begun anew after a crash, as monitoring expects of a counter."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('api', '0002_bucket'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('name', models.CharField(help_text='Such as api 2xx.', max_length=40, primary_key=True, serialize=False)),
                ('counts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='One for each edge, and the rest.', size=None)),
                ('microseconds', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(
            ['ALTER TABLE api_tally SET UNLOGGED', 'ALTER TABLE api_tally SET (fillfactor = 50)'],
            migrations.RunSQL.noop,
        ),
    ]
