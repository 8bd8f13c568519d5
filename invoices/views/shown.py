"""What the page of an invoice shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.urls import reverse

from billing_portal.audit.models import AuditEvent
from billing_portal.members.queries import names_of_actors
from billing_portal.money import Money
from billing_portal.tenancy.actors import ActorKind
from invoices.checks import OF_LETTERS, Check, Checked, FileText, Severity
from invoices.models import Invoice, InvoiceLine, LineEdit, Verdict
from invoices.queries.documents import documents_of
from invoices.queries.uploads import on_the_way_of

_State = Invoice.State


@dataclass(frozen=True)
class ShownLine:
    """A line as a page shows it."""

    line: InvoiceLine
    amount: Money
    was: Money | None
    is_new_to_reader: bool
    edits: list[LineEdit]
    checks: list[Check]
    in_file: FileText | None = None
    comments: int = 0

    @property
    def flags(self) -> list[dict[str, str]]:
        """What stands beside it, without what its own text for the file says already."""
        return [
            {"tone": _LOOKS[each.severity][0], "icon": _LOOKS[each.severity][1]}
            | {"title": each.title}
            for each in self.checks
            if each.rule not in OF_LETTERS
        ]

    @property
    def is_edited(self) -> bool:
        """Whether it differs from the work as it was captured."""
        return bool(self.edits) and self.line.is_edited


def crumbs(invoice: Invoice) -> list[tuple[str, str]]:
    """Return where the invoice is found: its run, or the list."""
    found = [("Invoices", reverse("invoices:invoices"))]
    if invoice.run_item is not None:
        run = invoice.run_item.run
        found = [(str(run), reverse("invoices:run", args=[run.public_id]))]
    return found


def facts(invoice: Invoice) -> list[tuple[str, Any]]:
    """Return what is known of it besides its lines."""
    known = [
        ("Version", invoice.version),
        *_who(invoice),
        ("Issued", invoice.issued_on and f"{invoice.issued_on:%b} {_day(invoice.issued_on)}"),
        ("Terms", invoice.terms),
        ("Credits", invoice.corrects),
        ("Id", invoice.public_id),
    ]
    return [(label, value) for label, value in known if value]


def _is_bill(invoice: Invoice) -> bool:
    return invoice.kind == Invoice.Kind.INVOICE


def _who(invoice: Invoice) -> list[tuple[str, str]]:
    """Return who reviews a bill, or which two people made a note. One query for a note."""
    if _is_bill(invoice):
        return [("Reviewer", invoice.reviewer.name if invoice.reviewer else "Nobody yet")]
    two = (("Asked for by", invoice.made_by), ("Approved by", invoice.approved_by))
    names = names_of_actors([ref for _, ref in two if ref])
    return [(label, names.get(ref, ref)) for label, ref in two]


def _day(on: date) -> str:
    return f"{on.day}, {on.year}"


def lines(
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    edits: list[LineEdit],
    found: Checked,
    *,
    said: Mapping[int, int],
    since: int | None,
) -> list[ShownLine]:
    """Return its lines with their edits, checks and number of comments. No query."""
    by_line: dict[int, list[LineEdit]] = {}
    for each in edits:
        by_line.setdefault(each.line_id, []).append(each)
    shown = []
    for line in rows:
        own = by_line.get(line.pk, [])
        amount = Money.of_minor(line.amount, invoice.currency)
        was = line.charge.total if line.charge else None
        shown.append(
            ShownLine(
                line=line,
                amount=amount,
                was=was if was != amount else None,
                is_new_to_reader=since is not None and any(e.version > since for e in own),
                edits=own,
                checks=[each for each in found.checks if str(line.number) in each.lines],
                comments=said.get(line.number, 0),
                in_file=found.in_file.get(str(line.number)),
            )
        )
    return shown


_LOOKS = {
    Severity.BLOCK: ("bad", "circle-x"),
    Severity.WARN: ("warn", "triangle-alert"),
    Severity.INFO: ("info", "info"),
}


def checks(found: Checked, lines: Sequence[ShownLine]) -> list[dict[str, Any]]:
    """Return the checks of an invoice, each with the lines that it leads to."""
    by_number = {str(each.line.number): each.line for each in lines}
    return [
        {
            "check": each,
            "tone": _LOOKS[each.severity][0],
            "icon": _LOOKS[each.severity][1],
            "lines": [by_number[number] for number in each.lines],
        }
        for each in found.checks
    ]


def groups(lines: list[ShownLine]) -> list[tuple[str, list[ShownLine]]]:
    """Return lines under the heading of their matter and kind, in their own order."""
    groups: dict[str, list[ShownLine]] = {}
    for shown in lines:
        line = shown.line
        kind = {"TIME": "Fees", "EXPENSE": "Expenses"}.get(line.kind, "Services")
        heading = f"{kind} · {line.matter}" if line.matter else kind
        groups.setdefault(heading, []).append(shown)
    return list(groups.items())


_ICONS = {"APPROVED": ("ok", "check"), "RETURNED": ("warn", "undo-2")}
_MILESTONES = {
    "invoice.drafted": ("idle", "circle-dashed", "Drafted"),
    "invoice.review_requested": ("info", "eye", "Sent to review"),
    "invoice.finalized": ("ok", "lock", "Made final"),
    "invoice.discarded": ("idle", "ban", "Discarded"),
    "credit_note.requested": ("info", "eye", "Asked for"),
    "credit_note.finalized": ("ok", "lock", "Made final"),
    "credit_note.rejected": ("warn", "circle-x", "Rejected"),
}


def history(
    edits: list[LineEdit], verdicts: list[Verdict], milestones: list[AuditEvent]
) -> list[dict[str, Any]]:
    """Return what became of an invoice, newest first; an edit leads to its line."""
    told = [
        *((each.given_at, _of_verdict(each)) for each in verdicts),
        *((each.edited_at, _of_edit(each)) for each in edits),
        *((each.recorded_at, _of_milestone(each)) for each in milestones),
    ]
    return [{**each, "at": at} for at, each in sorted(told, key=lambda pair: pair[0], reverse=True)]


def _of_verdict(verdict: Verdict) -> dict[str, Any]:
    tone, icon = _ICONS.get(verdict.kind, ("idle", "circle"))
    category = verdict.get_category_display() if verdict.category else ""
    return {
        "tone": tone,
        "icon": icon,
        "what": f"{verdict.get_kind_display()} by {verdict.given_by_name}",
        "detail": _joined(f"Version {verdict.version_seen}", category, verdict.text),
    }


def _of_edit(edit: LineEdit) -> dict[str, Any]:
    return {
        "tone": "info",
        "icon": "pencil",
        "named": str(edit.line),
        "url": "" if edit.line.is_released else f"#line-{edit.line.number}",
        "what": f"changed by {edit.edited_by_name}",
        "detail": _joined(f"Version {edit.version}", edit.get_reason_code_display(), edit.reason),
    }


def _of_milestone(deed: AuditEvent) -> dict[str, Any]:
    tone, icon, what = _MILESTONES[deed.action]
    is_machine = deed.actor.startswith(f"{ActorKind.SYSTEM}:")
    who = "the portal itself" if is_machine else deed.actor_name
    return {
        "tone": tone,
        "icon": icon,
        "what": f"{what} by {who}",
        "detail": str(deed.details.get("number", "")),
    }


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def steps(invoice: Invoice) -> list[dict[str, str]]:
    """Return how far it is."""
    order = [_State.IN_REVIEW, _State.FINALIZED]
    if _is_bill(invoice):
        order = [_State.DRAFT, _State.IN_REVIEW, _State.APPROVED, _State.FINALIZED]
    place = order.index(_State(invoice.state)) if invoice.state in order else -1
    found = []
    for number, each in enumerate(order):
        where = "done" if number < place or place == len(order) - 1 else "todo"
        if number == place and place < len(order) - 1:
            where = "current"
        found.append({"label": str(each.label), "place": where})
    return found


def files(invoice: Invoice) -> list[dict[str, Any]]:
    """Return the documents of a final invoice, each with its proof. One query, or none."""
    if invoice.state != _State.FINALIZED:
        return []
    return [
        {
            "name": each.name,
            "url": reverse("invoices:document", args=[each.public_id]),
            "size": f"{each.size / 1024:.0f} kB",
            "sha256": each.sha256,
            "icon": "file-check" if each.proof else "file-text",
            "proof": each.proof,
            "changes": each.changes,
        }
        for each in documents_of(invoice)
    ]


def ways(invoice: Invoice) -> list[dict[str, Any]]:
    """Return a final invoice's mail and uploads, as remarks. Two queries, or none."""
    if invoice.state != _State.FINALIZED:
        return []
    mailed, uploaded = on_the_way_of(invoice)
    return [
        {"what": f"Upload to {each.carrier}", "state": each.state, "detail": each.reference}
        | {"url": reverse("invoices:upload", args=[each.public_id])}
        for each in uploaded
    ] + [
        {"what": "Mail", "state": each.state, "detail": each.recipient, "url": ""}
        for each in mailed
    ]


def change(invoice: Invoice) -> Money:
    """Return what editing took off or added, net."""
    return Money.of_minor(invoice.net - invoice.as_worked, invoice.currency)


def wordings(lines: list[ShownLine]) -> list[str]:
    """Return what the tax law wants said."""
    said = (str(shown.line.tax_basis.get("wording", "")) for shown in lines)
    return [text for text in said if text]
