"""What a firm wrote is ended, never removed: the application may not delete it."""

from django.db import migrations

from billing_portal.tenancy.operations import KeepRows


class Migration(migrations.Migration):
    dependencies = [("outbox", "0001_initial")]

    operations = [
        KeepRows("OutboxCounter"),
        KeepRows("OutboxEvent"),
    ]
