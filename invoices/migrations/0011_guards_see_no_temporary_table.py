"""A temporary table is looked for before all others where a path does not name it: it is named last.

Otherwise the application's role could put a table of its own in front of the one a guard reads.
"""

from django.db import migrations

_GUARDS = (
    "invoices_final_never_changes()",
    "invoices_lines_of_final_never_change()",
    "invoices_no_line_joins_a_final_invoice()",
    "invoices_nobody_approves_their_own_edits()",
    "invoices_what_was_returned_is_answered()",
    "invoices_who_stands_behind(text)",
)


class Migration(migrations.Migration):
    dependencies = [("invoices", "0010_claim_laws")]

    operations = [
        migrations.RunSQL(
            f"alter function {each} set search_path = pg_catalog, public, pg_temp",
            f"alter function {each} set search_path = pg_catalog, public",
        )
        for each in _GUARDS
    ]
