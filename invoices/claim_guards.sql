-- What becomes final was approved as it is: the newest verdict says so, of this version.
create function invoices_only_what_was_approved_becomes_final() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  newest invoices_verdict;
begin
  select * into newest from invoices_verdict
    where tenant_id = new.tenant_id and invoice_id = new.id order by id desc limit 1;
  if (newest.kind, newest.version_seen, newest.given_by)
     is distinct from ('APPROVED', new.version, new.approved_by) then
    raise exception 'only what was approved, as it was approved, becomes final'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;

create trigger only_what_was_approved_becomes_final after update on invoices_invoice
  for each row
  when (new.kind = 'INVOICE' and new.state = 'FINALIZED' and old.state <> 'FINALIZED')
  execute function invoices_only_what_was_approved_becomes_final();

-- A series counts up, and its days never go back.
create or replace function invoices_numbers_count_up() returns trigger language plpgsql as $$
begin
  if (new.tenant_id, new.series) is distinct from (old.tenant_id, old.series)
      or new.last < old.last
      or (old.last_issued_on is not null
        and (new.last_issued_on is null or new.last_issued_on < old.last_issued_on)) then
    raise exception 'A series of numbers only counts up, and its days do not go back.'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

-- A number was taken from its series, and on the day it is issued.
create function invoices_a_number_is_of_its_series() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  place text := substring(new.number from '-([0-9]+)$');
begin
  if not exists (
    select from invoices_numberseries
    where tenant_id = new.tenant_id and series = left(new.number, -1 - length(place))
      and last_issued_on = new.issued_on and place::bigint between 1 and last
  ) then
    raise exception 'a number is taken from its series, on the day it is issued'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;

create trigger a_number_is_of_its_series after update on invoices_invoice
  for each row when (new.number <> '' and old.number = '')
  execute function invoices_a_number_is_of_its_series();
create trigger a_number_is_of_its_series_at_once after insert on invoices_invoice
  for each row when (new.number <> '')
  execute function invoices_a_number_is_of_its_series();
