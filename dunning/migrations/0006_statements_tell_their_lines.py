"""A statement tells a hash of its lines; those of before tell none, and are not looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dunning", "0005_statements_follow_one_another")]

    operations = [
        migrations.AddField(
            model_name="bankstatement",
            name="lines_sha256",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Of what the bank says of all its lines.",
                max_length=64,
            ),
            preserve_default=False,
        ),
    ]
