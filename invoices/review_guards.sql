-- An API key is one with whoever asked for it, whom an approval and an edit by it stand for.
create function invoices_who_stands_behind(actor text) returns text
language sql stable set search_path = pg_catalog, public as $$
  select coalesce(
    (select requested_by from members_apikey
     where id = case when actor ~ '^key:[0-9]{1,18}$' then substr(actor, 5)::bigint end),
    actor)
$$;

-- The reviewer in person corrects and approves. What was approved since is nobody's own edit.
create function invoices_nobody_approves_their_own_edits() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  if new.approved_by = 'user:' || new.reviewer_id then
    return null;
  end if;
  if exists (
    select from invoices_lineedit
    where tenant_id = new.tenant_id and invoice_id = new.id
      and version > coalesce((
        select max(version_seen) from invoices_verdict
        where tenant_id = new.tenant_id and invoice_id = new.id and kind = 'APPROVED'), 0)
      and invoices_who_stands_behind(edited_by) = invoices_who_stands_behind(new.approved_by)
  ) then
    raise exception 'nobody approves their own edits in place of the reviewer'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;

create trigger nobody_approves_their_own_edits after update on invoices_invoice
  for each row
  when (new.kind = 'INVOICE' and new.approved_by <> '' and new.approved_by <> old.approved_by)
  execute function invoices_nobody_approves_their_own_edits();

-- The version counts content: at the version that was returned, nothing has changed since.
create function invoices_what_was_returned_is_answered() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  newest invoices_verdict;
begin
  select * into newest from invoices_verdict
    where tenant_id = new.tenant_id and invoice_id = new.id order by id desc limit 1;
  if newest.kind = 'RETURNED' and newest.version_seen = new.version and not exists (
    select from invoices_comment
    where tenant_id = new.tenant_id and invoice_id = new.id and made_at > newest.given_at
  ) then
    raise exception 'what was returned is changed or answered before it is reviewed again'
      using errcode = 'integrity_constraint_violation';
  end if;
  return null;
end $$;

create trigger what_was_returned_is_answered after update on invoices_invoice
  for each row when (old.state = 'DRAFT' and new.state = 'IN_REVIEW')
  execute function invoices_what_was_returned_is_answered();
