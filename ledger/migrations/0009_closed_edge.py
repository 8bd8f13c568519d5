"""Nothing is booked on a day up to the last closed month's end, whichever month it is of."""

from pathlib import Path

from django.db import migrations

_ROOM = Path(__file__).resolve().parent.parent


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_payer_taken_back")]

    operations = [
        migrations.RunSQL(
            (_ROOM / "edge_guards.sql").read_text(),
            (_ROOM / "edge_guards_reverse.sql").read_text(),
        )
    ]
