"""The laws of claims: only what was approved becomes final; numbers follow the days.

What was final before is not looked at again: ledger_verify says where it was never approved.
"""

from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

_ROOM = Path(__file__).resolve().parent.parent
_OPEN = """
ALTER TABLE invoices_numberseries NO FORCE ROW LEVEL SECURITY;
ALTER TABLE invoices_invoice NO FORCE ROW LEVEL SECURITY;
"""
_SHUT = """
ALTER TABLE invoices_invoice FORCE ROW LEVEL SECURITY;
ALTER TABLE invoices_numberseries FORCE ROW LEVEL SECURITY;
"""
# Not the day of the last number alone: before the action held them apart, days could go back.
_LAST_DAYS = """
UPDATE invoices_numberseries s SET last_issued_on = found.last_issued_on
FROM (SELECT tenant_id, substring(number from '^(.*)-[0-9]+$') AS series,
    max(issued_on) AS last_issued_on
  FROM invoices_invoice WHERE number <> '' GROUP BY 1, 2) found
WHERE found.tenant_id = s.tenant_id AND found.series = s.series;
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0009_review_laws")]

    operations = [
        migrations.AddField(
            model_name="numberseries",
            name="last_issued_on",
            field=models.DateField(
                null=True, help_text="Of the last number: none is given of an earlier day."
            ),
        ),
        migrations.RunSQL([_OPEN, _LAST_DAYS, _SHUT], migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="numberseries",
            constraint=models.CheckConstraint(
                condition=Q(last=0) | Q(last_issued_on__isnull=False),
                name="number_series_knows_its_last_day",
            ),
        ),
        migrations.RunSQL(
            (_ROOM / "claim_guards.sql").read_text(),
            (_ROOM / "claim_guards_reverse.sql").read_text(),
        ),
    ]
