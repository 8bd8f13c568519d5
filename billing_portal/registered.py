"""What the rooms register: dotted names and URL names, so that the roof imports nobody.

Each name is a setting, the same in every installation: nothing here reads the environment.
"""

from __future__ import annotations

__all__ = [
    "ACTOR_NAMES",
    "ANSWERING_JOBS",
    "DOCTOR_CHECKS",
    "FIGURES",
    "FILE_CHECKS",
    "FILE_TAKERS",
    "INBOX_PROVIDERS",
    "INVOICE_REMINDERS",
    "JOB_SUBJECTS",
    "LEDGER_CHECKS",
    "NAVIGATION",
    "NOUN_PROVIDERS",
    "SEALED_CHAINS",
    "SEARCH_PROVIDERS",
]

ANSWERING_JOBS = [  # what these refuse is told whoever asked, and is no failure to see to
    "billing_portal.imports.jobs.take_file_in",
]
SEALED_CHAINS = {
    "audit": "billing_portal.audit.sealing.audit_pages",
    "ledger": "ledger.queries.entry_pages",
}
LEDGER_CHECKS: list[str] = [
    "billing_portal.audit.row_checks.rows_are_as_recorded",
    "billing_portal.audit.row_checks.rows_are_known",
    "billing_portal.outbox.verifying.news_has_no_gap",
    "billing_portal.outbox.verifying.news_is_as_recorded",
    "invoices.queries.charges.charges_without_entry",
    "invoices.queries.verifying.totals_are_booked",
    "invoices.queries.verifying.lines_are_of_their_charges",
    "invoices.queries.frozen.facts_are_frozen",
    "invoices.queries.frozen.notes_and_invoices_agree",
    "invoices.queries.recorded.documents_are_recorded",
    "invoices.queries.recorded.verdicts_are_recorded",
    "invoices.queries.recorded.what_is_final_was_approved",
    "invoices.queries.verifying.numbers_have_no_gap",
    "dunning.queries.verifying.statements_add_up",
    "dunning.queries.verifying.statements_follow_one_another",
    "dunning.queries.verifying.movements_come_once",
    "dunning.queries.verifying.lines_are_their_payments",
    "dunning.queries.verifying.lines_are_as_the_bank_said",
    "dunning.queries.verifying.money_that_came_in_is_a_payment",
    "dunning.queries.verifying.bank_files_are_recorded",
]
FILE_CHECKS: list[str] = [  # with --files
    "invoices.queries.recorded.files_are_there",
    "invoices.queries.recorded.evidence_is_there",
]
FIGURES: list[str] = [  # what monitoring is told of each firm, without saying whose it is
    "billing_portal.audit.queries.figures",
    "billing_portal.outbox.queries.figures",
    "ledger.queries.figures",
    "invoices.queries.figures.figures",
]
DOCTOR_CHECKS: list[str] = [  # each yields findings
    "billing_portal.operation.checks.installation.installation",
    "billing_portal.operation.checks.database.database",
    "billing_portal.operation.checks.work.work",
    "billing_portal.operation.checks.trail.trail",
    "billing_portal.operation.checks.outside.outside",
    "invoices.gateways.trial.trial",
]
FILE_TAKERS: list[str] = [  # who takes in which kind of file
    "invoices.forms.charge_files.CSV",
    "invoices.forms.charge_files.LEDES",
    "dunning.forms.BANK",
]
INBOX_PROVIDERS: list[str] = [
    "invoices.views.inbox.inbox_items",
    "invoices.views.uploads.inbox_items",
    "dunning.views.payments.inbox_items",
    "customers.views.inbox_items",
    "ledger.views.periods.inbox_items",
    "ledger.views.verifications.inbox_items",
    "billing_portal.jobs.views.inbox_items",
    "billing_portal.members.views.waiting.inbox_items",
    "billing_portal.members.views.keys.inbox_items",
]
SEARCH_PROVIDERS: list[str] = ["invoices.views.inbox.search", "customers.views.search"]
ACTOR_NAMES = "billing_portal.members.queries.names_of_actors"  # by how actors are stored
INVOICE_REMINDERS = "dunning.views.reminders.reminders_of"  # what a bill's page says of them
NOUN_PROVIDERS: dict[str, str] = {  # by the prefix of public ids: who names such things
    "bkf": "dunning.views.bank_files.bank_files_named",
    "chg": "invoices.views.charges.charges_named",
    "cus": "customers.views.customers_named",
    "ent": "ledger.views.books.entries_named",
    "imp": "billing_portal.imports.views.imports_named",
    "inv": "invoices.views.inbox.invoices_named",
    "job": "billing_portal.jobs.views.jobs_named",
    "mat": "customers.views.matters_named",
    "pay": "dunning.views.payments.payments_named",
    "rem": "dunning.views.reminders.reminders_named",
    "run": "invoices.views.inbox.runs_named",
    "usr": "billing_portal.members.views.people.people_named",
}
JOB_SUBJECTS: dict[str, str] = {  # by the argument that names it: who says what a job is about
    "delivery_id": "invoices.views.subjects.of_deliveries",
    "file_import_id": "billing_portal.imports.views.of_jobs",
    "invoice_id": "invoices.views.subjects.of_invoices",
    "reminder_id": "dunning.views.reminders.of_reminders",
    "run_id": "invoices.views.subjects.of_runs",
    "submission_id": "invoices.views.subjects.of_uploads",
}
NAVIGATION: list[tuple[str, str, str, str, str]] = [  # letter, label, icon, URL name, permission
    ("q", "Inbox", "inbox", "portal:inbox", ""),
    ("i", "Invoices", "file-text", "invoices:invoices", "invoices.read"),
    ("r", "Runs", "play", "invoices:runs", "runs.read"),
    ("u", "Uploads", "upload", "invoices:uploads", "uploads.read"),
    ("p", "Payments", "wallet", "dunning:payments", "payments.read"),
    ("d", "Reminders", "bell", "dunning:reminders", "dunning.read"),
    ("w", "Charges", "receipt", "invoices:charges", "charges.read"),
    ("c", "Customers", "users", "admin:customers_customer_changelist", "admin.enter"),
    ("m", "Matters", "scale", "admin:customers_matter_changelist", "admin.enter"),
    ("l", "Ledger", "book-open", "ledger:trial_balance", "ledger.read"),
    ("o", "People", "user", "people:people", "members.read"),
    ("k", "API keys", "key-round", "people:keys", "api_keys.read"),
    ("a", "Audit log", "history", "audit:log", "audit.read"),
    ("j", "Jobs", "activity", "jobs:jobs", "jobs.read"),
    ("s", "Back office", "settings", "admin:index", "admin.enter"),
]
