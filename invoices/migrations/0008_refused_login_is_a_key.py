"""The login that a carrier did not take is a key within the firm, as every other one."""

import django.db.models.deletion
from django.db import migrations

import billing_portal.tenancy.fields
from billing_portal.tenancy.operations import GuardForeignKey


class Migration(migrations.Migration):
    dependencies = [("invoices", "0007_comments")]

    operations = [
        # The column keeps its values: each is the key of a login, and logins are never deleted.
        migrations.AlterField(
            model_name="carrier",
            name="refused_login",
            field=billing_portal.tenancy.fields.TenantForeignKey(
                db_index=False,
                editable=False,
                help_text="The login it did not take; it is not tried again.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="invoices.carrierlogin",
            ),
        ),
        GuardForeignKey("Carrier", "refused_login"),
    ]
