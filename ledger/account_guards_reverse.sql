DROP TRIGGER table_is_never_emptied ON ledger_accountingperiod;
DROP TRIGGER table_is_never_emptied ON ledger_account;
DROP TRIGGER account_stays_itself ON ledger_account;
DROP FUNCTION ledger_account_guard();
