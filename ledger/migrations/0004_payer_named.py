"""Whose a payment is may be said later, once."""

from pathlib import Path

from django.conf import settings
from django.db import migrations

GUARDS = Path(__file__).resolve().parent.parent


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_keep_rows")]

    operations = [
        migrations.RunSQL(
            (GUARDS / "payment_guards.sql").read_text(),
            (GUARDS / "payment_guards_reverse.sql").read_text(),
        ),
        migrations.RunSQL(
            f'GRANT UPDATE (customer) ON ledger_payment TO "{settings.APP_ROLE}"',
            f'REVOKE UPDATE (customer) ON ledger_payment FROM "{settings.APP_ROLE}"',
        ),
    ]
