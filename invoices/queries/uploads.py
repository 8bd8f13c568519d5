"""What is asked of uploads and mail."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from invoices.models import Carrier, CarrierLogin, Delivery, Evidence, Invoice, Submission

WAITING = (Submission.State.QUEUED, Submission.State.UPLOADING)
IN_CARRIER_REVIEW = "PENDING_CLIENT"  # of the statuses that the LEDES API has
WANTS_A_PERSON = (Submission.State.NEEDS_PERSON, Submission.State.UNSURE)


def submissions() -> QuerySet[Submission]:
    """Return the firm's uploads with what they name."""
    rows: QuerySet[Submission] = Submission.objects.select_related(
        "invoice__customer", "invoice__matter", "carrier", "document"
    )
    return rows


def wanting_a_person() -> QuerySet[Submission]:
    """Return uploads that are stuck, and rejected ones that nothing newer has followed."""
    newer = Submission.objects.filter(invoice=OuterRef("invoice"), number__gt=OuterRef("number"))
    return submissions().filter(
        Q(state__in=WANTS_A_PERSON) | Q(~Exists(newer), state=Submission.State.REJECTED)
    )


def unsettled_uploads(invoices: Iterable[int]) -> dict[int, Submission]:
    """Return the last uploads of invoices on which the carrier has not had its last word.

    They wait for the carrier's answer, nobody knows whether they arrived, a person is to look at
    them, the carrier is reviewing what it took, or it rejected it and nothing newer followed. What
    was given up, and what the carrier took, is settled. By the invoice's key. One query.
    """
    rows = Submission.objects.filter(invoice__in=list(invoices)).select_related("carrier")
    last = rows.order_by("invoice_id", "-number").distinct("invoice_id")
    return {row.invoice_id: row for row in last if not _is_settled(row)}


def _is_settled(upload: Submission) -> bool:
    if upload.state == Submission.State.CONFIRMED:
        return upload.carrier_status != IN_CARRIER_REVIEW
    return upload.state == Submission.State.CANCELED


def newer_than(submission: Submission) -> Submission | None:
    """Return the last upload of the same invoice, if one followed. One query."""
    newer = Submission.objects.filter(invoice=submission.invoice_id, number__gt=submission.number)
    last: Submission | None = newer.order_by("-number").first()
    return last


def carriers_waited_for() -> list[tuple[Carrier, int, str]]:
    """Return carriers that are not ready, how many uploads wait for each, and why. Two queries."""
    waiting = Submission.objects.filter(state=Submission.State.QUEUED, code="carriers.not_ready")
    found = {
        row["carrier_id"]: row
        for row in waiting.values("carrier_id").annotate(count=Count("pk"), why=Max("reason"))
    }
    carriers = Carrier.objects.filter(pk__in=found).order_by("name")
    return [(each, found[each.pk]["count"], found[each.pk]["why"]) for each in carriers]


def counts_by_carrier() -> dict[int, dict[str, int]]:
    """Return how many uploads of each carrier stand in each state. One query."""
    found: dict[int, dict[str, int]] = {}
    rows = Submission.objects.values("carrier_id", "state").annotate(count=Count("pk"))
    for row in rows:
        found.setdefault(row["carrier_id"], {})[row["state"]] = row["count"]
    return found


def newest_logins() -> dict[int, CarrierLogin]:
    """Return the login that counts of each carrier, by the carrier's key. One query."""
    rows = CarrierLogin.objects.order_by("carrier_id", "-pk").distinct("carrier_id")
    return {row.carrier_id: row for row in rows}


def evidence_of(submission: Submission) -> list[Evidence]:
    """Return what the browser saw, in order. One query."""
    return list(Evidence.objects.filter(submission=submission).order_by("attempt", "position"))


def deliveries() -> QuerySet[Delivery]:
    """Return the firm's mail to customers with what it names."""
    rows: QuerySet[Delivery] = Delivery.objects.select_related("invoice__customer", "document")
    return rows


def is_delivered(invoice: Invoice) -> bool:
    """Say whether some mail of an invoice was taken by the customer's server. One query."""
    return bool(Delivery.objects.filter(invoice=invoice, state=Delivery.State.SENT).exists())


def on_the_way_of(invoice: Invoice) -> tuple[list[Delivery], list[Submission]]:
    """Return an invoice's mail and uploads, newest first. Two queries."""
    return (
        list(Delivery.objects.filter(invoice=invoice).order_by("-number")),
        list(
            Submission.objects.filter(invoice=invoice).select_related("carrier").order_by("-number")
        ),
    )
