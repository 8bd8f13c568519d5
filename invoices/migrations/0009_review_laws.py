"""The laws of review: a day has 24 hours, nobody approves their own edits, a return is answered.

Hours are looked at from now on: an older line that is final never changes, and stays as it is.
"""

from pathlib import Path

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

_ROOM = Path(__file__).resolve().parent.parent
_FITS = Q(quantity__gte=0, quantity__lte=24)


class Migration(migrations.Migration):
    dependencies = [
        ("invoices", "0008_refused_login_is_a_key"),
        ("members", "0001_initial"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=~Q(kind="TIME") | _FITS, name="charge_of_time_fits_into_a_day"
            ),
        ),
        AddConstraintNotValid(
            model_name="invoiceline",
            constraint=models.CheckConstraint(
                condition=~Q(kind="TIME")
                | Q(corrects__isnull=False)
                | Q(is_released=True)
                | _FITS,
                name="invoice_line_of_time_fits_into_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="invoice",
            constraint=models.CheckConstraint(
                condition=~Q(state__in=["APPROVED", "FINALIZED"]) | ~Q(approved_by=""),
                name="invoice_that_is_approved_says_by_whom",
            ),
        ),
        migrations.RunSQL(
            (_ROOM / "review_guards.sql").read_text(),
            (_ROOM / "review_guards_reverse.sql").read_text(),
        ),
    ]
