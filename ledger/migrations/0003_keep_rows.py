"""What a firm wrote is ended, never removed: the application may not delete it."""

from django.db import migrations

from billing_portal.tenancy.operations import KeepRows


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_keys_and_account_guard")]

    operations = [
        KeepRows("Account"),
        KeepRows("AccountingPeriod"),
        KeepRows("Entry"),
        KeepRows("Posting"),
        KeepRows("BalanceSnapshot"),
        KeepRows("Payment"),
        KeepRows("Allocation"),
    ]
