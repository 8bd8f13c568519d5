"""What must hold of final invoices, for ``ledger_verify``: each names the first that do not."""

from __future__ import annotations

from collections import defaultdict

from django.db import connection
from django.db.models import Q, Sum

from billing_portal.tenancy.scope import current_tenant_id
from invoices.models import Invoice, InvoiceLine, NumberSeries
from ledger.models import Posting

_TOLD = 5
_OF_OTHER_WORK = """
select l.id from invoices_invoiceline l
left join invoices_charge c on c.tenant_id = l.tenant_id and c.id = l.charge_id
left join invoices_invoiceline o on o.tenant_id = l.tenant_id and o.id = l.corrects_id
where l.tenant_id = %s and (
  (l.charge_id is not null and (l.kind, l.worked_on, l.matter_id, l.timekeeper_id)
    is distinct from (c.kind, c.worked_on, c.matter_id, c.timekeeper_id))
  or (l.corrects_id is not null and (l.kind, l.worked_on, l.matter_id, l.timekeeper_id)
    is distinct from (o.kind, o.worked_on, o.matter_id, o.timekeeper_id)))
order by l.id limit %s
"""


def totals_are_booked() -> list[str]:
    """A final invoice's total is its receivable posting, and its lines and tax come to it.

    Three queries, whatever the number of invoices.
    """
    bills = Invoice.objects.bills().finalized()
    booked = dict(
        Posting.objects.filter(account__role="ar")
        .filter(Q(entry__kind="invoice") | Q(entry__reverses__kind="invoice"))
        .values("invoice")
        .annotate(total=Sum("amount"))
        .values_list("invoice", "total")
    )
    sums = {
        row["invoice_id"]: (row["net"], row["tax"])
        for row in InvoiceLine.objects.filter(
            invoice__state=Invoice.State.FINALIZED, is_released=False
        )
        .values("invoice_id")
        .annotate(net=Sum("amount"), tax=Sum("tax_amount"))
    }
    wrong = []
    for invoice in bills.order_by("pk").iterator():
        if booked.get(invoice.uid, 0) != invoice.total:
            told = booked.get(invoice.uid, 0)
            wrong.append(f"{invoice} comes to {invoice.total}, its receivable posting to {told}.")
        if sums.get(invoice.pk, (0, 0)) != (invoice.net, invoice.tax):
            wrong.append(f"The lines of {invoice} do not come to its net and tax.")
    return wrong[:_TOLD]


def lines_are_of_their_charges() -> list[str]:
    """Every line bills its charge's work, or takes back its line's: kind, day, matter, person.

    Two queries, every line once, drafts' too: no edit changes these.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_OTHER_WORK, [current_tenant_id(), _TOLD])
        keys = [row[0] for row in cursor.fetchall()]
    rows = InvoiceLine.objects.filter(pk__in=keys).select_related("invoice").order_by("pk")
    return [f"{line} of {line.invoice} is not of the work that it bills." for line in rows]


def numbers_have_no_gap() -> list[str]:
    """The numbers of each series run from 1 to the last one taken.

    Two queries.
    """
    taken: dict[str, list[int]] = defaultdict(list)
    for number in Invoice.objects.exclude(number="").values_list("number", flat=True):
        series, _, place = number.rpartition("-")
        taken[series].append(int(place))
    last = dict(NumberSeries.objects.values_list("series", "last"))
    return [
        f"Series {series} has {len(places)} numbers and was counted to {last.get(series, 0)}."
        for series, places in sorted(taken.items())
        if sorted(places) != list(range(1, last.get(series, 0) + 1))
    ][:_TOLD]
