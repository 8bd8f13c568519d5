"""How states are shown, by their names: a tone, an icon and words."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    """How a state is shown: never by color alone."""

    tone: str  # idle, info, ok, warn, bad
    icon: str
    label: Any  # a lazy translation


LOOKS: dict[str, Look] = {
    # invoices
    "DRAFT": Look("idle", "circle-dashed", _("Draft")),
    "IN_REVIEW": Look("info", "eye", _("In review")),
    "APPROVED": Look("ok", "check", _("Approved")),
    "FINALIZED": Look("ok", "lock", _("Final")),
    "VOID": Look("idle", "ban", _("Void")),
    "RETURNED": Look("warn", "undo-2", _("Returned")),
    "HELD": Look("warn", "hand", _("On hold")),
    # what the ledger says of them
    "OPEN": Look("info", "circle", _("Open")),
    "PARTLY_PAID": Look("info", "circle-dot", _("Partly paid")),
    "PAID": Look("ok", "circle-check", _("Paid")),
    "CREDITED": Look("idle", "undo-2", _("Credited")),
    "OVERDUE": Look("bad", "circle-alert", _("Overdue")),
    "DISPUTED": Look("warn", "flag", _("Disputed")),
    "WRITTEN_OFF": Look("idle", "archive", _("Written off")),
    # a plan against the run before it
    "NEW": Look("info", "plus", _("New")),
    "MISSING": Look("bad", "minus", _("Missing")),
    "MORE": Look("warn", "arrow-up", _("Much more")),
    "LESS": Look("warn", "arrow-down", _("Much less")),
    "USUAL": Look("idle", "check", _("As usual")),
    # months of the books
    "SOFT_CLOSED": Look("warn", "lock", _("Adjustments only")),
    # looks at the books
    "WHOLE": Look("ok", "file-check", _("Whole")),
    # runs and jobs
    "PLANNED": Look("idle", "calendar", _("Planned")),
    "QUEUED": Look("idle", "clock", _("Queued")),
    "RUNNING": Look("info", "play", _("Running")),
    "WAITING_FOR_HUMAN": Look("warn", "hand", _("Waits for a person")),
    "PAUSED": Look("warn", "pause", _("Paused")),
    "PARKED": Look("warn", "archive", _("Parked")),
    "SUCCEEDED": Look("ok", "check", _("Done")),
    "ENDED": Look("ok", "check", _("Ended")),
    "PENDING": Look("idle", "clock", _("Pending")),
    "DRAFTED": Look("ok", "check", _("Drafted")),
    "NOTHING": Look("idle", "minus", _("Nothing due")),
    "CARRIED": Look("info", "arrow-right", _("Carried forward")),
    "PARTIALLY_SUCCEEDED": Look("warn", "triangle-alert", _("Partly done")),
    "FAILED": Look("bad", "x", _("Failed")),
    "CANCELED": Look("idle", "ban", _("Canceled")),
    # submissions to carriers and deliveries to customers
    "UPLOADING": Look("info", "upload", _("Uploading")),
    "UNSURE": Look("warn", "eye", _("Unsure, look")),
    "CONFIRMED": Look("ok", "file-check", _("Confirmed")),
    "ACCEPTED": Look("ok", "circle-check", _("Accepted")),
    "REDUCED": Look("warn", "arrow-down", _("Reduced")),
    "REJECTED": Look("bad", "circle-x", _("Rejected")),
    "NEEDS_PERSON": Look("warn", "hand", _("Needs a person")),
    "SENT": Look("ok", "send", _("Sent")),
    "SENDING": Look("info", "send", _("Sending")),
    "TAKEN_IN": Look("ok", "check", _("Taken in")),
    "REFUSED": Look("bad", "x", _("Refused")),
    "UNKNOWN": Look("warn", "eye", _("Unknown")),
    "BOUNCED": Look("bad", "mail", _("Bounced")),
    "SKIPPED": Look("idle", "minus", _("Skipped")),
    # people and keys
    "WAITING": Look("warn", "users", _("To be approved")),
    "EXPIRED": Look("warn", "hourglass", _("Expired")),
    "REVOKED": Look("idle", "ban", _("Revoked")),
    # money received
    "UNAPPLIED": Look("warn", "circle", _("Unapplied")),
    "PARTLY_APPLIED": Look("info", "circle-dot", _("Partly applied")),
    "APPLIED": Look("ok", "circle-check", _("Applied")),
    "REVERSED": Look("idle", "undo-2", _("Reversed")),
    "DECLINED": Look("bad", "circle-x", _("Declined")),
    # standing of a customer
    "GOOD": Look("ok", "check", _("In good standing")),
    "REMINDED": Look("info", "bell", _("Reminded")),
    "PROMISED": Look("info", "handshake", _("Promised")),
    "THROTTLED": Look("warn", "hourglass", _("Throttled")),
    "SUSPENDED": Look("bad", "ban", _("Suspended")),
    # checks, periods, the chain
    "BLOCK": Look("bad", "circle-x", _("Blocks")),
    "WARN": Look("warn", "triangle-alert", _("Warns")),
    "INFO": Look("info", "info", _("Note")),
    "CLOSED": Look("idle", "lock", _("Closed")),
    "INTACT": Look("ok", "shield-check", _("Intact")),
    "BROKEN": Look("bad", "circle-alert", _("Broken")),
    "ACTIVE": Look("ok", "circle-dot", _("Active")),
    "INACTIVE": Look("idle", "ban", _("Inactive")),
}
