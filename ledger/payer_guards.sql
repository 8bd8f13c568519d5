-- A payment is a fact. Only whose it is may be said later, and taken back while it pays nothing; the
-- books say each by an entry. From one customer to another there is no way but over nobody.
CREATE OR REPLACE FUNCTION ledger_payment_guard() RETURNS trigger LANGUAGE plpgsql
  SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (OLD.customer = '') = (NEW.customer = '')
     OR (NEW.id, NEW.tenant_id, NEW.uid, NEW.source, NEW.key, NEW.currency, NEW.amount,
         NEW.received_on, NEW.payer, NEW.remittance, NEW.entry_id, NEW.recorded_at)
       IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.uid, OLD.source, OLD.key, OLD.currency,
         OLD.amount, OLD.received_on, OLD.payer, OLD.remittance, OLD.entry_id, OLD.recorded_at)
  THEN
    RAISE EXCEPTION 'of a payment only its payer is named or taken back' USING ERRCODE = '23514';
  END IF;
  IF NEW.customer = '' AND (SELECT sum(amount) FROM ledger_allocation
      WHERE tenant_id = OLD.tenant_id AND payment_id = OLD.id) <> 0
  THEN
    RAISE EXCEPTION 'a payer is not taken back while the payment pays' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
