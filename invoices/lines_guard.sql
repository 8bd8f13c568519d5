-- Lines are looked at once for each statement, not once for each row: first the lock, then the look,
-- so that an invoice that becomes final at the same moment is seen as final.
create function invoices_no_line_joins_a_final_invoice() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if exists (
    with held as materialized (
      select state from invoices_invoice
      where id = any (array(select distinct invoice_id from new_lines)) order by id for key share
    )
    select from held where state in ('FINALIZED', 'VOID')
  ) then
    raise exception 'lines of a final invoice never change'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;

create trigger no_line_joins_a_final_invoice after insert on invoices_invoiceline
  referencing new table as new_lines
  for each statement execute function invoices_no_line_joins_a_final_invoice();

drop trigger lines_of_final_never_change on invoices_invoiceline;
create trigger lines_of_final_never_change before update or delete on invoices_invoiceline
  for each row execute function invoices_lines_of_final_never_change();
