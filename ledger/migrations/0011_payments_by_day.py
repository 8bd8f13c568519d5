"""Payments are listed by the day they came in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_entries_without_a_source_are_not_indexed_by_it")]

    operations = [
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(fields=["tenant", "-received_on", "-id"], name="payment_by_day"),
        ),
    ]
