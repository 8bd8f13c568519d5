DROP TRIGGER payer_is_named_once ON ledger_payment;
DROP FUNCTION ledger_payment_guard();
CREATE TRIGGER rows_never_change BEFORE UPDATE OR DELETE ON ledger_payment
  FOR EACH ROW EXECUTE FUNCTION portal_refuse_change();
