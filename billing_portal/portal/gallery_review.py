"""Sample data for the gallery: an invoice under review, a run, and uploads to carriers."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from typing import Any

HASH = "7f3c9a51e0b84d2c6f1a0e97b35d8842c1f6ad90e4b7725138cf0d96a2e4b811"


def _steps(*places: tuple[str, str]) -> list[dict[str, str]]:
    return [{"label": label, "place": place} for label, place in places]


def _line(
    at: str, who: str, task: str, activity: str, narrative: str, *numbers: str
) -> dict[str, Any]:
    hours, rate, amount = (Decimal(number) for number in numbers)
    return {
        "date": at,
        "timekeeper": who,
        "task": task,
        "activity": activity,
        "narrative": narrative,
        "hours": hours,
        "rate": rate,
        "amount": amount,
    }


LINES = [
    _line(
        "Oct 2",
        "DWH",
        "L120",
        "A104",
        "Review and analyze police report and carrier's photographs of the loading dock.",
        "1.2",
        "285.00",
        "342.00",
    ),
    _line("Oct 3", "SKJ", "L330", "A109", "", "1.8", "240.00", "432.00")
    | {
        "key": "line-2",
        "change": "edited",
        "before": "Prepare for and attend deposition of Dr. Haas, draft summary and email to adjuster.",
        "after": "Attend deposition of treating physician Dr. Haas; draft summary for adjuster.",
        "was_hours": Decimal("2.4"),
        "was_amount": Decimal("576.00"),
        "note": "Carrier guideline · Dana Whitlock, 2 min ago",
    },
    _line(
        "Oct 7",
        "PRA",
        "L210",
        "A103",
        "Draft answer and affirmative defenses; research comparative fault; telephone conference with adjuster Novak.",
        "3.6",
        "285.00",
        "1026.00",
    )
    | {"change": "flagged", "flag": "Three tasks in one line (block billing)", "comments": "2"},
    _line(
        "Oct 9",
        "ZMA",
        "L140",
        "A110",
        "Organize exhibits for mediation binder.",
        "0.8",
        "120.00",
        "96.00",
    )
    | {"change": "removed", "note": "No charge: clerical · Dana Whitlock"},
]

EXPENSES = [
    _line(
        "Oct 3",
        "",
        "E115",
        "",
        "Deposition transcript of Dr. Haas, Halden Reporting",
        "1",
        "418.50",
        "418.50",
    ),
    _line(
        "Oct 3", "", "E110", "", "Mileage to deposition, 62 miles at 0.67", "62", "0.67", "41.54"
    ),
]

CHECKS = [
    {
        "tone": "bad",
        "icon": "circle-x",
        "title": "Rate above the one agreed",
        "cause": "SKJ bills 240.00; Northfield approved 225.00 from Jul 1.",
        "fix": "Reduce by $27.00",
        "rule": "NFM-07",
    },
    {
        "tone": "warn",
        "icon": "triangle-alert",
        "title": "Block billing in line 3",
        "cause": "“Draft …; research …; telephone conference …” are three tasks.",
        "fix": "Split the line",
        "rule": "NFM-21",
    },
    {
        "tone": "info",
        "icon": "info",
        "title": "Budget 82% used",
        "cause": "After this invoice $7,210.00 of $40,000.00 remain.",
        "fix": "",
        "rule": "BUD-01",
    },
]

OUTCOMES = [
    ("Northfield Mutual", "SUCCEEDED", 412, "1284620.10", "", ""),
    ("Great Plains Casualty", "RUNNING", 207, "388014.00", "", ""),
    ("Coastal Surety", "PARKED", 3, "9120.00", "no_rate_in_force", "No rate for PRA from Oct 15"),
    ("Meridian Indemnity", "FAILED", 1, "0.00", "tax_unknown", "No tax status for the Oslo office"),
]

CARRIERS = [
    (
        "Northfield Mutual",
        "GOOD",
        "Working",
        "98.6",
        "12",
        "Mar 2, 2027",
        "idle",
        "yes yes yes yes yes",
    ),
    (
        "Great Plains Casualty",
        "WAITING_FOR_HUMAN",
        "Needs a code",
        "94.1",
        "14",
        "Dec 4, 2026",
        "warn",
        "yes yes yes yes no",
    ),
    (
        "Coastal Surety",
        "PAUSED",
        "Site changed",
        "88.0",
        "6",
        "Jun 30, 2027",
        "idle",
        "yes yes yes no no",
    ),
]


def _shot(step: str, at: str, lines: int) -> dict[str, str]:
    bars = "".join(
        f'<rect x="20" y="{60 + 18 * line}" width="{270 - 37 * (line % 3)}" height="8" fill="#c3ccd8"/>'
        for line in range(lines)
    )
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200">'
        '<rect width="320" height="200" fill="#fff"/><rect width="320" height="36" fill="#31527a"/>'
        f'<rect x="20" y="14" width="90" height="8" fill="#fff"/>{bars}</svg>'
    )
    url = "data:image/svg+xml;base64," + b64encode(drawing.encode()).decode()
    return {
        "step": step,
        "name": f"{step}, {at}",
        "url": "#uploads",
        "image_url": url,
        "alt": f"Carrier's page: {step}",
    }


def context() -> dict[str, Any]:
    """Return the samples for review, run and uploads."""
    return {
        "review_steps": _steps(
            ("Draft", "done"), ("In review", "current"), ("Approved", "todo"), ("Final", "todo")
        ),
        "route_facts": [
            ("Responsible attorney", "Luis Ortega, approved Nov 19"),
            ("Billing partner", "Dana Whitlock, waits for you"),
            ("Carrier accepts until", "Nov 22, 2026"),
            ("Version", "7"),
        ],
        "lines": LINES,
        "expenses": EXPENSES,
        "checks": CHECKS,
        "review_totals": [
            ("Fees", Decimal("1800.00")),
            ("Expenses", Decimal("460.04")),
            ("Adjustments", Decimal("-27.00")),
        ],
        "review_total": Decimal("2233.04"),
        "as_worked": Decimal("2500.04"),
        "change": Decimal("-267.00"),
        "run_steps": _steps(
            ("Plan", "done"), ("Charges", "done"), ("Drafts", "current"), ("Report", "todo")
        ),
        "outcomes": [
            {"customer": name, "state": state, "invoices": count, "total": Decimal(total)}
            | {"code": code, "why": why}
            for name, state, count, total, code, why in OUTCOMES
        ],
        "carriers": [
            dict(
                zip(
                    ("name", "state", "says", "first_pass", "waiting", "expires", "tone"),
                    row,
                    strict=False,
                )
            )
            | {
                "can": list(
                    zip(
                        ("Generate", "Validate", "Submit", "Track", "Attach"),
                        row[7].split(),
                        strict=True,
                    )
                )
            }
            for row in CARRIERS
        ],
        "submission_steps": _steps(
            ("Queued", "done"),
            ("Signed in", "done"),
            ("Uploaded", "done"),
            ("Confirmed", "current"),
            ("Carrier's answer", "todo"),
        ),
        "submission_events": SUBMISSION,
        "shots": [
            _shot("Signed in", "14:02:07", 3),
            _shot("File chosen", "14:02:11", 5),
            _shot("Reference shown", "14:02:19", 7),
        ],
        "sample_file": {
            "name": "2026-01043_northfield.txt",
            "url": "#uploads",
            "size": "18 kB",
            "sha256": HASH,
            "icon": "file-check",
        },
    }


SUBMISSION = [
    {
        "tone": "ok",
        "icon": "file-check",
        "what": "Confirmed: reference NFM-88214-A",
        "when": "14:02:19",
        "detail": "The page says “1 invoice received”; read back and compared with the file sent.",
    },
    {
        "tone": "ok",
        "icon": "upload",
        "what": "Uploaded 18 kB, 41 lines",
        "when": "14:02:11",
        "detail": "Bytes equal the approved file.",
    },
    {"tone": "ok", "icon": "key-round", "what": "Signed in", "when": "14:02:07", "detail": ""},
    {
        "tone": "idle",
        "icon": "clock",
        "what": "Carrier's answer expected",
        "when": "by Nov 27",
        "detail": "Checked each morning",
        "planned": True,
    },
]
