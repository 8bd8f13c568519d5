-- What an account is never changes: entries name it by its key, so a new label would rewrite history.
CREATE FUNCTION ledger_account_guard() RETURNS trigger LANGUAGE plpgsql
  SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.id, NEW.tenant_id, NEW.role, NEW.owner, NEW.currency, NEW.code,
       NEW.type, NEW.side) IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.role, OLD.owner,
       OLD.currency, OLD.code, OLD.type, OLD.side) THEN
    RAISE EXCEPTION 'an account is never another' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER account_stays_itself BEFORE UPDATE OR DELETE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_account_guard();
CREATE TRIGGER table_is_never_emptied BEFORE TRUNCATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION portal_refuse_change();
CREATE TRIGGER table_is_never_emptied BEFORE TRUNCATE ON ledger_accountingperiod
  FOR EACH STATEMENT EXECUTE FUNCTION portal_refuse_change();
