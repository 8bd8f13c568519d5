"""What a firm wrote is ended, never removed: the application may not delete it."""

from django.db import migrations

from billing_portal.tenancy.operations import KeepRows

_COUNTS_UP = """
create function invoices_numbers_count_up() returns trigger language plpgsql as $$
begin
  if (new.tenant_id, new.series) is distinct from (old.tenant_id, old.series)
      or new.last < old.last then
    raise exception 'A series of numbers only counts up.' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger numbers_count_up before update on invoices_numberseries
  for each row execute function invoices_numbers_count_up();
"""
_DOWN = """
drop trigger numbers_count_up on invoices_numberseries;
drop function invoices_numbers_count_up();
"""


class Migration(migrations.Migration):
    dependencies = [("invoices", "0003_carrier_login_site")]

    operations = [
        migrations.RunSQL(_COUNTS_UP, _DOWN),
        KeepRows("Charge"),
        KeepRows("BillingRun"),
        KeepRows("BillingWindow"),
        KeepRows("RunItem"),
        KeepRows("Invoice"),
        KeepRows("InvoiceLine"),
        KeepRows("LineEdit"),
        KeepRows("Verdict"),
        KeepRows("NumberSeries"),
        KeepRows("FrozenInvoice"),
        KeepRows("Document"),
        KeepRows("Delivery"),
        KeepRows("Carrier"),
        KeepRows("CarrierRecipe"),
        KeepRows("CarrierLogin"),
        KeepRows("Submission"),
        KeepRows("Evidence"),
    ]
