drop trigger table_is_never_emptied on invoices_invoiceline;
drop trigger table_is_never_emptied on invoices_invoice;
drop trigger lines_of_final_never_change on invoices_invoiceline;
drop function invoices_lines_of_final_never_change();
drop trigger final_never_changes on invoices_invoice;
drop function invoices_final_never_changes();
