DROP TRIGGER period_stays_closed ON ledger_accountingperiod;
DROP FUNCTION ledger_period_guard();
ALTER TABLE ledger_posting DROP CONSTRAINT posting_is_in_its_accounts_currency;
ALTER TABLE ledger_posting ADD CONSTRAINT ledger_posting_account_id_same_tenant
  FOREIGN KEY (tenant_id, account_id) REFERENCES ledger_account (tenant_id, id)
  DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE ledger_posting DROP CONSTRAINT posting_is_of_its_entrys_transaction;
ALTER TABLE ledger_posting ADD CONSTRAINT ledger_posting_entry_id_same_tenant
  FOREIGN KEY (tenant_id, entry_id) REFERENCES ledger_entry (tenant_id, id)
  DEFERRABLE INITIALLY DEFERRED;
DROP TRIGGER posting_is_early ON ledger_posting;
DROP FUNCTION ledger_posting_guard();
DROP TRIGGER entry_is_whole ON ledger_entry;
DROP FUNCTION ledger_entry_guard();
