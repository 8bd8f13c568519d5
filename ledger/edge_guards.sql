-- The last closed month's end is the edge of the books: no day before it takes an entry, whatever the
-- state of its own month. So an entry holds its month and every later one that is not closed yet:
-- whoever closes one of them waits for it, and it waits for them.
CREATE OR REPLACE FUNCTION ledger_entry_guard() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
DECLARE
  whole bigint;
  wrong boolean;
BEGIN
  PERFORM 1 FROM ledger_accountingperiod p
    JOIN (SELECT tenant_id, min(booked_on) AS first_on FROM new_entries GROUP BY tenant_id) n
      ON n.tenant_id = p.tenant_id
   WHERE p.state <> 'closed' AND p.ends_on > n.first_on FOR KEY SHARE OF p;
  IF EXISTS (SELECT 1 FROM new_entries WHERE xact <> pg_current_xact_id()::text::bigint) THEN
    RAISE EXCEPTION 'entry of another transaction' USING ERRCODE = '23514';
  END IF;
  SELECT count(DISTINCT s.entry_id), bool_or(s.total <> 0 OR s.lines < 2) INTO whole, wrong
    FROM (SELECT l.entry_id, sum(l.amount) AS total, count(*) AS lines FROM ledger_posting l
           WHERE l.entry_id = ANY (ARRAY(SELECT id FROM new_entries))
           GROUP BY l.tenant_id, l.entry_id, l.currency) s;
  IF wrong OR whole <> (SELECT count(*) FROM new_entries) THEN
    RAISE EXCEPTION 'entry is empty or does not balance' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM new_entries n JOIN ledger_accountingperiod p
       ON p.tenant_id = n.tenant_id AND p.id = n.period_id
      WHERE p.state = 'closed' OR (p.state = 'soft_closed' AND n.kind <> 'adjustment')
         OR n.booked_on < p.starts_on OR n.booked_on >= p.ends_on) THEN
    RAISE EXCEPTION 'accounting period is closed, or not the day''s' USING ERRCODE = '23514';
  END IF;
  IF EXISTS (SELECT 1 FROM ledger_accountingperiod p
       JOIN (SELECT tenant_id, min(booked_on) AS first_on FROM new_entries GROUP BY tenant_id) n
         ON n.tenant_id = p.tenant_id
      WHERE p.state = 'closed' AND p.ends_on > n.first_on) THEN
    RAISE EXCEPTION 'accounting period is closed: a later one is' USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
