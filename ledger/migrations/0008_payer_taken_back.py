"""Whose a payment is may be said anew: the payer is taken back first, while nothing is paid."""

from pathlib import Path

from django.db import migrations

GUARDS = Path(__file__).resolve().parent.parent
_RENAME = "ALTER TRIGGER {} ON ledger_payment RENAME TO {}"
_BEFORE, _NOW = "payer_is_named_once", "only_the_payer_changes"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_verification")]

    operations = [
        migrations.RunSQL(
            (GUARDS / "payer_guards.sql").read_text(),
            (GUARDS / "payer_guards_reverse.sql").read_text(),
        ),
        migrations.RunSQL(_RENAME.format(_BEFORE, _NOW), _RENAME.format(_NOW, _BEFORE)),
    ]
