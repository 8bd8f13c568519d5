"""A month end whose workers are killed freezes the same invoices; `make chaos` tells all of it."""

import random
from datetime import date

import pytest
from django.db import connections
from psycopg.conninfo import make_conninfo

from billing_portal.jobs.models import Job
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import tenant_scope
from customers.models import Address
from invoices.actions.review import approve
from invoices.actions.run import finalize_approved, start_run
from invoices.actions.send_run import send_to_review
from invoices.models import BillingRun, Charge, Document, FrozenInvoice, Invoice
from tests.chaos.killing import Killer
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    TermsFactory,
    TimekeeperFactory,
)
from tests.invoices import books
from tests.jobs.running import real_workers, until

KINDS = ["draft_items_later", "finalize_run_later", "render_documents_later"]
CUSTOMERS = 20


def _work(reviewer) -> BillingRun:
    """Twenty insurers with two pieces of time each; the same for whoever asks."""
    keeper = TimekeeperFactory.create(external_id="TK1", external_key="tk1", name="Okafor, Ngozi")
    for number in range(CUSTOMERS):
        name = f"Insurer {number:02}"
        made = CustomerFactory.create(
            external_id=name, external_key=name.lower(), name=name, name_key=name.lower(),
            sends_pdf=False,
        )  # fmt: skip
        Address.objects.create(
            customer=made, starts_on=date(2026, 1, 1), line_1="1 Main Street", region="NY",
            city="Albany", postal_code="12207", country="US",
        )  # fmt: skip
        TermsFactory.create(customer=made, reviewer_id=reviewer.id, formats=["pdf"])
        case = f"Case {number:02}"
        matter = MatterFactory.create(
            customer=made, external_id=case, external_key=case.lower(), name=case,
            name_key=case.lower(), client_matter_id=case,
        )  # fmt: skip
        hours = (f"{number % 7 + 1}.3", "0.7")
        books.captured(
            *(
                books.time_worked(matter, hours=each, keeper=keeper, key=f"{case} {each}")
                for each in hours
            )
        )
    return books.monthly_run()


def _month_end(firm: Tenant, wait) -> dict[str, str]:
    """Bill what was worked; return what each number froze."""
    with tenant_scope(firm.pk):
        reviewer, biller = books.member("reviewer"), books.member("biller")
        run = start_run(_work(reviewer), by=biller)
    wait()  # what is asked for in a scope is committed at its end
    with tenant_scope(firm.pk):
        send_to_review(run, by=biller)
        for invoice in Invoice.objects.filter(run_item__run=run):
            approve(invoice, version_seen=invoice.version, by=reviewer)
        finalize_approved(run, by=biller, on=date(2026, 11, 3))
    wait()
    with tenant_scope(firm.pk):
        frozen = dict(FrozenInvoice.objects.values_list("invoice__number", "sha256"))
        assert len(frozen) == CUSTOMERS
        assert Charge.objects.count() == 2 * CUSTOMERS
        printed = Document.objects.filter(kind="pdf")
        assert sorted(printed.values_list("invoice__number", flat=True)) == sorted(frozen)
    return frozen


@pytest.mark.django_db(transaction=True)
def test_three_killed_workers_change_no_invoice(tmp_path, settings):
    settings.JOB_BEAT_SECONDS = 1  # as the workers have it
    undisturbed, firm = (
        Tenant.objects.create(slug=slug, name="Same LLP", tax_id="24-6437381")
        for slug in ("undisturbed", "killed")
    )

    def wait() -> None:
        ended = until(lambda: not Job.objects.filter(ended_at=None).exists(), seconds=90)
        assert ended, (tmp_path / "workers.log").read_text()[-3000:]

    with real_workers(tmp_path):
        expected = _month_end(undisturbed, wait)
    here = connections["default"].get_connection_params()
    address = make_conninfo(
        **{key: str(here[key]) for key in ("host", "port", "user", "dbname") if here.get(key)}
    )
    killer = Killer(address, KINDS, within=0.01, random=random.Random(1))
    killer.start()
    try:
        with real_workers(tmp_path):
            found = _month_end(firm, wait)
    finally:
        kills = killer.stop()

    assert sorted(kill.kind for kill in kills) == sorted(KINDS)
    assert found == expected
    jobs = Job.objects.filter(tenant=firm)
    assert set(jobs.values_list("state", flat=True)) == {"succeeded"}
    assert sum(jobs.values_list("deaths", flat=True)) == len(KINDS)
