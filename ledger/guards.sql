-- Header-last posting: inserting the header is posting. First the lock, then the look: closing a
-- period takes FOR UPDATE on the same row, so nothing slips into a month that is being closed.
CREATE FUNCTION ledger_entry_guard() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  PERFORM 1 FROM ledger_accountingperiod p
   WHERE (p.tenant_id, p.id) IN (SELECT tenant_id, period_id FROM new_entries) FOR KEY SHARE;
  IF EXISTS (SELECT 1 FROM new_entries WHERE xact <> pg_current_xact_id()::text::bigint) THEN
    RAISE EXCEPTION 'entry of another transaction' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM new_entries n LEFT JOIN LATERAL (
       SELECT sum(l.amount) AS total, count(*) AS lines FROM ledger_posting l
        WHERE l.tenant_id = n.tenant_id AND l.entry_id = n.id GROUP BY l.currency) s ON true
      WHERE s.total IS DISTINCT FROM 0 OR s.lines < 2) THEN
    RAISE EXCEPTION 'entry is empty or does not balance' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM new_entries n JOIN ledger_accountingperiod p
       ON p.tenant_id = n.tenant_id AND p.id = n.period_id
      WHERE p.state = 'closed' OR (p.state = 'soft_closed' AND n.kind <> 'adjustment')
         OR n.booked_on < p.starts_on OR n.booked_on >= p.ends_on) THEN
    RAISE EXCEPTION 'accounting period is closed, or not the day''s' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER entry_is_whole AFTER INSERT ON ledger_entry
  REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_entry_guard();

CREATE FUNCTION ledger_posting_guard() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM new_postings WHERE xact <> pg_current_xact_id()::text::bigint) THEN
    RAISE EXCEPTION 'posting of another transaction' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM new_postings l JOIN ledger_entry e
       ON e.tenant_id = l.tenant_id AND e.id = l.entry_id) THEN
    RAISE EXCEPTION 'entry is already posted' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER posting_is_early AFTER INSERT ON ledger_posting
  REFERENCING NEW TABLE AS new_postings FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_guard();

-- The transaction rides in the key, so that nothing attaches to an entry later; the currency rides
-- in the other, so that an account holds one currency only.
ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_entry_id_same_tenant;
ALTER TABLE ledger_posting ADD CONSTRAINT posting_is_of_its_entrys_transaction
  FOREIGN KEY (tenant_id, entry_id, xact) REFERENCES ledger_entry (tenant_id, id, xact)
  DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ledger_posting DROP CONSTRAINT ledger_posting_account_id_same_tenant;
ALTER TABLE ledger_posting ADD CONSTRAINT posting_is_in_its_accounts_currency
  FOREIGN KEY (tenant_id, account_id, currency) REFERENCES ledger_account (tenant_id, id, currency)
  DEFERRABLE INITIALLY DEFERRED;

-- A closed period stays closed, and what it froze stays frozen.
CREATE FUNCTION ledger_period_guard() RETURNS trigger LANGUAGE plpgsql
  SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state = 'closed' OR NEW.starts_on <> OLD.starts_on
     OR NEW.ends_on <> OLD.ends_on OR NEW.tenant_id <> OLD.tenant_id THEN
    RAISE EXCEPTION 'accounting period is closed, or its days would change' USING ERRCODE = '23514';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER period_stays_closed BEFORE UPDATE OR DELETE ON ledger_accountingperiod
  FOR EACH ROW EXECUTE FUNCTION ledger_period_guard();
