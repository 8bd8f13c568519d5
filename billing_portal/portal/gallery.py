"""Sample data for the gallery of parts and screens at ``/_ui/``: plain values, nothing stored.

Firm, people, carriers and customers are invented. The gallery is how a page's markup is looked at,
tested for accessibility and copied; no page of the product reads this module.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django import forms

from billing_portal.portal import gallery_books, gallery_review


class SampleEdit(forms.Form):
    """The fields of one invoice line, as the review screen edits them."""

    narrative = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The customer reads this. Left of it stays what the timekeeper wrote.",
    )
    hours = forms.DecimalField(
        max_digits=6,
        decimal_places=1,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="Steps of 0.1",
    )
    rate = forms.DecimalField(
        max_digits=8, decimal_places=2, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )
    reason = forms.ChoiceField(
        choices=[
            ("", "Choose one"),
            ("guideline", "Carrier guideline"),
            ("duplicate", "Duplicate work"),
            ("courtesy", "Courtesy"),
        ]
    )


class SampleFilter(forms.Form):
    """The filters of the invoice list."""

    customer = forms.CharField(required=False)
    issued_from = forms.DateField(
        label="Issued from", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    only_mine = forms.BooleanField(label="Only mine", required=False)


def _edit_form() -> SampleEdit:
    before = "Prepare for and attend deposition of the treating physician; draft summary."
    return SampleEdit(
        {"line-narrative": before, "line-hours": "2.25", "line-rate": "285.00", "line-reason": ""},
        prefix="line",
    )


def _tab(label: str, count: str = "", *, current: bool = False) -> dict[str, Any]:
    return {"label": label, "url": "#main", "count": count, "current": current}


_INVOICE = (
    *("number", "customer", "matter", "total", "balance", "state"),
    *("reviewer", "age", "deadline", "tone", "carrier_status"),
)


def _invoice(*row: str) -> dict[str, Any]:
    named: dict[str, Any] = dict(zip(_INVOICE, row, strict=True)) | {"url": "#invoice-review"}
    return named | {"total": Decimal(named["total"]), "balance": Decimal(named["balance"])}


INVOICES = [
    _invoice(
        "Draft 4Q8R2M",
        "Northfield Mutual",
        "Alvarez v. Brightline Freight",
        "2233.04",
        "2233.04",
        "IN_REVIEW",
        "Dana Whitlock",
        "2 days",
        "Due tomorrow",
        "bad",
        "",
    ),
    _invoice(
        "Draft 1V9XEK",
        "Great Plains Casualty",
        "Estate of Okafor",
        "3186.00",
        "3186.00",
        "IN_REVIEW",
        "Luis Ortega",
        "4 days",
        "3 days left",
        "warn",
        "",
    ),
    _invoice(
        "Draft 6B0TNC",
        "Meridian Indemnity",
        "Kjær Marine, cargo loss",
        "48920.75",
        "48920.75",
        "RETURNED",
        "Priya Raman",
        "6 days",
        "11 days left",
        "idle",
        "",
    ),
    _invoice(
        "2026-01042",
        "Northfield Mutual",
        "Sandoval premises",
        "7815.20",
        "7815.20",
        "FINALIZED",
        "Dana Whitlock",
        "9 days",
        "On time",
        "ok",
        "REJECTED",
    ),
    _invoice(
        "2026-01041",
        "Coastal Surety",
        "Harbor Point bond claim",
        "22064.00",
        "4500.00",
        "FINALIZED",
        "Ada Brandt",
        "31 days",
        "On time",
        "ok",
        "REDUCED",
    ),
    _invoice(
        "2026-01037",
        "Great Plains Casualty",
        "Müller subrogation",
        "1940.00",
        "0.00",
        "FINALIZED",
        "Luis Ortega",
        "44 days",
        "On time",
        "ok",
        "ACCEPTED",
    ),
    _invoice(
        "2026-00998",
        "Meridian Indemnity",
        "Three matters, collective",
        "61377.40",
        "61377.40",
        "FINALIZED",
        "Priya Raman",
        "73 days",
        "On time",
        "ok",
        "ACCEPTED",
    ),
    _invoice(
        "2026-00991",
        "Coastal Surety",
        "Adjustment to 2026-00874",
        "-1250.00",
        "-1250.00",
        "FINALIZED",
        "Ada Brandt",
        "80 days",
        "",
        "idle",
        "CONFIRMED",
    ),
]

PROGRESS = {
    "key": "run-progress",
    "label": "Invoices made in this run",
    "total": 2017,
    "done": 1312,
    "unit": "invoices",
    "stage": "Pricing and drafting",
    "remaining": "about 94 seconds left",
}

INBOX = [
    (
        "flag",
        "bad",
        "Approve draft 4Q8R2M",
        "Northfield Mutual · Alvarez v. Brightline Freight",
        "Carrier accepts work of October until Nov 22",
        "2233.04",
        "Due tomorrow",
        "bad",
        "Review",
    ),
    (
        "circle-x",
        "bad",
        "Rejected by the carrier: 2026-01042",
        "Northfield Mutual · Sandoval premises",
        "“Timekeeper JDOE is not approved for this matter” (NFM-12)",
        "7815.20",
        "2 days left",
        "warn",
        "Fix",
    ),
    (
        "key-round",
        "warn",
        "Great Plains asks for a one-time code",
        "14 files wait for this sign-in",
        "The browser is paused and keeps its session for 9 more minutes",
        "58210.00",
        "9 minutes",
        "bad",
        "Take over",
    ),
    (
        "wallet",
        "warn",
        "Match a payment of Meridian Indemnity",
        "ACH of Nov 19, no remittance line",
        "Three invoices add up to it; suggested with their reasons",
        "61377.40",
        "3 days left",
        "idle",
        "Match",
    ),
    (
        "message-square",
        "info",
        "Priya Raman mentioned you",
        "Draft 6B0TNC, line 14",
        "“Is the expert's retainer ours or the carrier's?”",
        "48920.75",
        "",
        "idle",
        "Answer",
    ),
    (
        "bell",
        "idle",
        "Third reminder needs a person",
        "Harbor Point Holdings",
        "The ladder ends here: call, agree on a date, or hand over",
        "4500.00",
        "5 days left",
        "idle",
        "Decide",
    ),
]


def context() -> dict[str, Any]:
    """Return everything that ``portal/gallery.html`` shows."""
    return {
        "edit_form": _edit_form(),
        "tabs": [
            _tab("All"),
            _tab("In review", "47", current=True),
            _tab("Approved", "12"),
            _tab("Final", "1,000+"),
            _tab("On hold", "3"),
        ],
        "filters": {
            "key": "invoices",
            "url": "#main",
            "target": "invoice-list",
            "placeholder": "Number, customer, matter",
            "text": "",
            "form": SampleFilter(prefix="filter"),
            "chips": [
                {"label": "Reviewer: Dana Whitlock", "url": "#main"},
                {"label": "Older than 14 days", "url": "#main"},
            ],
            "clear_url": "#main",
        },
        "pager": {
            "summary": "50 of 1,000+ invoices",
            "sizes": [
                {"label": label, "url": "#main", "current": label == "50"}
                for label in ("50", "200", "500")
            ],
            "previous_url": "",
            "next_url": "#main",
        },
        "invoices": INVOICES,
        "inbox": [_waiting(*row) for row in INBOX],
        "progress": PROGRESS,
        "crumbs": [("Invoices", "#main"), ("In review", "#main")],
        "sample_day": date(2026, 11, 20),
        "sample_moment": datetime(2026, 11, 20, 14, 2, 11, tzinfo=UTC),
        "amounts": [Decimal("1234567.50"), Decimal("-1250.00"), Decimal(0), None],
        "before": "Attend to file and telephone conference with adjuster re settlement (0.4).",
        "after": "Telephone conference with adjuster Novak regarding settlement authority.",
        "toast": {"text": "Draft 1V9XEK approved.", "undo_url": "#main", "seconds": 0},
        "swatches": SWATCHES,
        "state_keys": STATE_KEYS,
        **gallery_review.context(),
        **gallery_books.context(),
    }


def _waiting(*row: str) -> dict[str, Any]:
    keys = ("icon", "tone", "title", "subject", "why", "amount", "clock", "clock_tone", "verb")
    return dict(zip(keys, row, strict=True)) | {"amount": Decimal(row[5])}


STATE_KEYS = [
    ("Invoice", ["DRAFT", "IN_REVIEW", "APPROVED", "FINALIZED", "VOID", "RETURNED", "HELD"]),
    ("Money", ["OPEN", "PARTLY_PAID", "PAID", "OVERDUE", "DISPUTED", "UNAPPLIED", "REVERSED"]),
    ("Carrier", ["QUEUED", "UPLOADING", "CONFIRMED", "ACCEPTED", "REDUCED", "REJECTED", "UNSURE"]),
    ("Run", ["RUNNING", "PAUSED", "PARKED", "WAITING_FOR_HUMAN", "SUCCEEDED", "FAILED"]),
    ("Customer", ["GOOD", "REMINDED", "PROMISED", "THROTTLED", "SUSPENDED"]),
]

SWATCHES = ["text", "muted", "line", "control", "surface", "accent", "ok", "warn", "bad"]
