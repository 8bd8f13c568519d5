drop trigger what_was_returned_is_answered on invoices_invoice;
drop function invoices_what_was_returned_is_answered();
drop trigger nobody_approves_their_own_edits on invoices_invoice;
drop function invoices_nobody_approves_their_own_edits();
drop function invoices_who_stands_behind(text);
