"""The one table of permissions: what can be done, in plain verbs, and which role may."""

from __future__ import annotations

PERMISSIONS = {
    "admin.enter": "Enter the back office",
    "api_keys.approve": "Approve API keys",
    "api_keys.read": "See API keys and what they may do",
    "api_keys.request": "Request API keys",
    "audit.read": "Read the audit log",
    "bank_accounts.edit": "Name the firm's own bank accounts",
    "carriers.edit": "Edit carriers and their credentials",
    "charges.capture": "Capture charges",
    "charges.read": "Read charges",
    "credit_notes.approve": "Approve credit notes",
    "credit_notes.request": "Request credit notes",
    "customers.edit": "Edit customers, matters and terms",
    "customers.read": "Read customers and matters",
    "directories.approve": "Approve where the firm's people sign in",
    "directories.edit": "Propose where the firm's people sign in",
    "dunning.edit": "Edit reminders and their policy",
    "dunning.read": "Read reminders",
    "imports.read": "See what came of large files",
    "invoices.approve": "Approve or return invoices",
    "invoices.approve_for_others": "Approve or return invoices assigned to others",
    "invoices.edit": "Edit draft invoices",
    "invoices.edit_for_others": "Edit draft invoices assigned to others",
    "invoices.finalize": "Finalize invoices",
    "invoices.read": "Read invoices",
    "jobs.read": "Read background jobs",
    "jobs.retry": "Retry and cancel background jobs",
    "ledger.close": "Close accounting periods",
    "ledger.read": "Read the ledger",
    "ledger.reverse": "Reverse ledger entries",
    "ledger.verify": "Have the books verified at any time",
    "members.approve": "Approve members and roles",
    "members.invite": "Invite members and propose roles",
    "members.read": "See who is a member",
    "members.reset_factors": "Reset the lost second factor of a member",
    "payments.import": "Import bank files and allocate payments",
    "payments.read": "Read payments",
    "rates.approve": "Approve rates",
    "rates.edit": "Propose rates",
    "runs.read": "Read billing runs",
    "runs.start": "Plan and start billing runs",
    "uploads.read": "Read uploads and their evidence",
    "uploads.retry": "Start, retry and take over uploads",
}

_READ = frozenset(name for name in PERMISSIONS if name.endswith(".read"))

ROLES = {
    "owner": frozenset(PERMISSIONS),
    "biller": (_READ - {"audit.read"})
    | {
        "admin.enter",
        "api_keys.request",
        "carriers.edit",
        "charges.capture",
        "credit_notes.request",
        "customers.edit",
        "dunning.edit",
        "invoices.edit",
        "invoices.edit_for_others",
        "invoices.finalize",
        "jobs.retry",
        "payments.import",
        "rates.edit",
        "runs.start",
        "uploads.retry",
    },
    "reviewer": frozenset(
        {
            "admin.enter",
            "charges.read",
            "customers.read",
            "invoices.approve",
            "invoices.edit",
            "invoices.read",
            "runs.read",
        }
    ),
    "timekeeper": frozenset({"charges.capture", "charges.read", "customers.read", "imports.read"}),
    "auditor": _READ | {"admin.enter"},
    "service": frozenset(
        {
            "charges.capture",
            "charges.read",
            "credit_notes.request",
            "customers.edit",
            "customers.read",
            "invoices.approve",
            "invoices.approve_for_others",
            "invoices.edit",
            "invoices.edit_for_others",
            "invoices.finalize",
            "invoices.read",
            "imports.read",
            "dunning.read",
            "jobs.read",
            "jobs.retry",
            "payments.import",
            "payments.read",
            "rates.edit",
            "runs.read",
            "runs.start",
            "uploads.read",
            "uploads.retry",
        }
    ),
}


def permissions_of(roles: list[str] | tuple[str, ...]) -> frozenset[str]:
    """Return what the roles together allow."""
    return frozenset().union(*(ROLES[role] for role in roles))
