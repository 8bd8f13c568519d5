drop trigger a_number_is_of_its_series_at_once on invoices_invoice;
drop trigger a_number_is_of_its_series on invoices_invoice;
drop function invoices_a_number_is_of_its_series();
create or replace function invoices_numbers_count_up() returns trigger language plpgsql as $$
begin
  if (new.tenant_id, new.series) is distinct from (old.tenant_id, old.series)
      or new.last < old.last then
    raise exception 'A series of numbers only counts up.' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
drop trigger only_what_was_approved_becomes_final on invoices_invoice;
drop function invoices_only_what_was_approved_becomes_final();
