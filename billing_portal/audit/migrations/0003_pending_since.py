"""Since when a row waits for its seal."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0002_keep_rows'),
    ]

    operations = [
        migrations.AddField(
            model_name='pendingseal',
            name='recorded_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
    ]
