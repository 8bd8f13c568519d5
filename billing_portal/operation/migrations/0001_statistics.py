"""Statistics soon enough: a plan made for a table that was never analyzed picks any index of the firm.

The application may not ANALYZE, which is the owner's; a function of the owner's does it for tables
that have grown, and nothing else. Settings of the hot tables let autovacuum follow more closely.
"""

from django.conf import settings
from django.db import migrations

HOT = (
    "ledger_entry",
    "ledger_posting",
    "audit_auditevent",
    "audit_seal",
    "outbox_outboxevent",
    "jobs_job",
    "invoices_charge",
    "invoices_invoice",
    "invoices_invoiceline",
)
QUEUES = ("audit_pendingseal", "jobs_slot")  # rows that come and go

FUNCTION = """
CREATE FUNCTION portal_take_statistics() RETURNS integer LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
  grown record;
  taken integer := 0;
BEGIN
  FOR grown IN
    SELECT s.relid::regclass AS name FROM pg_stat_user_tables s
    JOIN pg_class c ON c.oid = s.relid AND c.relowner = current_user::regrole
    WHERE s.schemaname = 'public' AND s.n_mod_since_analyze > 500 + s.n_live_tup / 10
    ORDER BY s.n_mod_since_analyze DESC LIMIT 20
  LOOP
    EXECUTE format('ANALYZE %s', grown.name);
    taken := taken + 1;
  END LOOP;
  RETURN taken;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0001_initial"),
        ("invoices", "0002_runs_and_invoices"),
        ("jobs", "0001_initial"),
        ("ledger", "0001_initial"),
        ("outbox", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            [
                FUNCTION,
                "REVOKE ALL ON FUNCTION portal_take_statistics() FROM PUBLIC",
                f'GRANT EXECUTE ON FUNCTION portal_take_statistics() TO "{settings.APP_ROLE}"',
            ],
            "DROP FUNCTION portal_take_statistics()",
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} SET (autovacuum_analyze_scale_factor = 0.02,"
                " autovacuum_analyze_threshold = 500, autovacuum_vacuum_insert_scale_factor = 0.05)",
                f"ALTER TABLE {table} RESET (autovacuum_analyze_scale_factor,"
                " autovacuum_analyze_threshold, autovacuum_vacuum_insert_scale_factor)",
            )
            for table in HOT
        ),
        *(
            migrations.RunSQL(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0,"
                " autovacuum_vacuum_threshold = 1000)",
                f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor,"
                " autovacuum_vacuum_threshold)",
            )
            for table in QUEUES
        ),
    ]
