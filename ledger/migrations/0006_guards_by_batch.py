"""The guards of entries and postings look a batch up as one array instead of by joins."""

from pathlib import Path

from django.db import migrations

_ROOM = Path(__file__).resolve().parent.parent


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_keys_lead_with_the_firm")]

    operations = [
        migrations.RunSQL(
            (_ROOM / "batch_guards.sql").read_text(),
            (_ROOM / "batch_guards_reverse.sql").read_text(),
        )
    ]
