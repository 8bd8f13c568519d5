"""What a firm wrote is ended, never removed: the application may not delete it."""

from django.db import migrations

from billing_portal.tenancy.operations import KeepRows


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_address_plural")]

    operations = [
        KeepRows("Customer"),
        KeepRows("Address"),
        KeepRows("TaxIdentity"),
        KeepRows("Contact"),
        KeepRows("PaymentMethod"),
        KeepRows("BankDetails"),
        KeepRows("Matter"),
        KeepRows("Timekeeper"),
        KeepRows("AggregationSetting"),
        KeepRows("Rate"),
    ]
