"""What a firm wrote is ended, never removed: the application may not delete it."""

from django.db import migrations

from billing_portal.tenancy.operations import KeepRows


class Migration(migrations.Migration):
    dependencies = [("dunning", "0002_bank_accounts")]

    operations = [
        KeepRows("BankAccount"),
        KeepRows("BankFile"),
        KeepRows("BankStatement"),
        KeepRows("BankLine"),
        KeepRows("ReminderStep"),
        KeepRows("Reminder"),
    ]
