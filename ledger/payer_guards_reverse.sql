-- As payment_guards.sql had it: a payer is named once.
CREATE OR REPLACE FUNCTION ledger_payment_guard() RETURNS trigger LANGUAGE plpgsql
  SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.customer <> '' OR NEW.customer = ''
     OR (NEW.id, NEW.tenant_id, NEW.uid, NEW.source, NEW.key, NEW.currency, NEW.amount,
         NEW.received_on, NEW.payer, NEW.remittance, NEW.entry_id, NEW.recorded_at)
       IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.uid, OLD.source, OLD.key, OLD.currency,
         OLD.amount, OLD.received_on, OLD.payer, OLD.remittance, OLD.entry_id, OLD.recorded_at)
  THEN
    RAISE EXCEPTION 'a payment never changes once its payer is named' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
