-- A final invoice never changes, but that it may become void; nor do its lines.
create function invoices_final_never_changes() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'invoices are never deleted' using errcode = 'integrity_constraint_violation';
  end if;
  if old.state in ('FINALIZED', 'VOID') then
    if old.state = 'FINALIZED' and new.state = 'VOID'
       and (to_jsonb(new) - 'state' - 'version') = (to_jsonb(old) - 'state' - 'version') then
      return new;
    end if;
    raise exception 'a final invoice never changes' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

create trigger final_never_changes before update or delete on invoices_invoice
  for each row execute function invoices_final_never_changes();

-- Row-level security would hide the invoice from a function of another role: the owner is forced
-- too, and app.tenant is the writer's, so it sees exactly the writer's firm.
create function invoices_lines_of_final_never_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  state_now text;
begin
  if tg_op = 'DELETE' then
    raise exception 'invoice lines are never deleted'
      using errcode = 'integrity_constraint_violation';
  end if;
  select state into state_now from invoices_invoice
    where tenant_id = new.tenant_id and id = new.invoice_id for key share;
  if state_now in ('FINALIZED', 'VOID') then
    raise exception 'lines of a final invoice never change'
      using errcode = 'integrity_constraint_violation';
  end if;
  if tg_op = 'UPDATE' and new.invoice_id <> old.invoice_id then
    raise exception 'a line stays on its invoice' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;

create trigger lines_of_final_never_change before insert or update or delete on invoices_invoiceline
  for each row execute function invoices_lines_of_final_never_change();

create trigger table_is_never_emptied before truncate on invoices_invoice
  for each statement execute function portal_refuse_change();
create trigger table_is_never_emptied before truncate on invoices_invoiceline
  for each statement execute function portal_refuse_change();
