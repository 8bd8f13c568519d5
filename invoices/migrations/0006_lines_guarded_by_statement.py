"""The guard of new lines looks once at a statement instead of once at each row."""

from pathlib import Path

from django.db import migrations

_ROOM = Path(__file__).resolve().parent.parent


class Migration(migrations.Migration):
    dependencies = [("invoices", "0005_keys_lead_with_the_firm")]

    operations = [
        migrations.RunSQL(
            (_ROOM / "lines_guard.sql").read_text(), (_ROOM / "lines_guard_reverse.sql").read_text()
        )
    ]
