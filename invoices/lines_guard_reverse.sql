drop trigger lines_of_final_never_change on invoices_invoiceline;
create trigger lines_of_final_never_change before insert or update or delete on invoices_invoiceline
  for each row execute function invoices_lines_of_final_never_change();
drop trigger no_line_joins_a_final_invoice on invoices_invoiceline;
drop function invoices_no_line_joins_a_final_invoice();
