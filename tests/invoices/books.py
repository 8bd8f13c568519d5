"""A firm's work, brought as far as a test needs it, by the same actions that people use."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from billing_portal.audit.rows import told
from billing_portal.audit.trail import record_many
from billing_portal.members.models import Membership, User
from billing_portal.tenancy.actors import Actor, ActorKind, system
from billing_portal.tenancy.permissions import permissions_of
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import Address, AggregationSetting
from invoices.actions.capture import capture
from invoices.actions.draft import draft_items
from invoices.actions.finalize import finalize
from invoices.actions.plan import plan_run
from invoices.actions.review import approve, request_review
from invoices.actions.rows import NewCharge
from invoices.models import BillingRun, Invoice, InvoiceLine
from tests.customers.factories import (
    CustomerFactory,
    MatterFactory,
    TermsFactory,
    TimekeeperFactory,
)
from tests.factories import MembershipFactory, UserFactory

SYSTEM = system("test")
_KEYS = count(1)
NOVEMBER = date(2026, 11, 1)
NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


def member(role: str, name: str = "") -> Actor:
    """Return somebody who holds one role in the firm of the scope."""
    user = UserFactory.create(**({"name": name} if name else {}))
    MembershipFactory.create(user=user, tenant_id=current_tenant_id(), role=role)
    return actor_of(user)


def appoint_all() -> None:
    """Record the roles that fixtures gave in the firm of the scope, as proposing them would have.

    Verifying finds roles that no deed gave.
    """
    held = Membership.objects.filter(tenant_id=current_tenant_id())
    record_many("role.approved", [(each, told(each)) for each in held], by=SYSTEM)


def actor_of(user: User) -> Actor:
    """Return a member as an actor."""
    roles = tuple(
        Membership.objects.filter(user=user, tenant_id=current_tenant_id()).values_list(
            "role", flat=True
        )
    )
    return Actor(ActorKind.USER, user.pk, user.name, permissions_of(roles), roles)


def user_of(actor: Actor) -> User:
    """Return the user behind an actor, to sign in."""
    return User.objects.get(pk=actor.id or 0)


def customer(*, reviewer: Actor | None = None, place: str = "NY", **terms):
    """Return a customer with an address and monthly terms."""
    made = CustomerFactory.create(invoice_email="claims@insurer.test")
    if place:
        Address.objects.create(
            customer=made, starts_on=date(2026, 1, 1), line_1="1 Main Street", region=place,
            city="Albany", postal_code="12207", country="US",
        )  # fmt: skip
    TermsFactory.create(customer=made, reviewer_id=reviewer.id if reviewer else None, **terms)
    return made


def matter_of(made, **values):
    """Return a matter of a customer."""
    return MatterFactory.create(customer=made, **values)


def time_worked(matter, day: date = date(2026, 10, 12), hours: str = "2.0", **more) -> NewCharge:
    """Return two hours of an associate at 200 dollars, to be captured."""
    keeper = more.pop("keeper", None) or TimekeeperFactory.create()
    values = {
        "key": f"t:{next(_KEYS):06}",
        "kind": "TIME",
        "customer": matter.customer.external_id,
        "matter": matter.external_id,
        "timekeeper": keeper.external_id,
        "worked_on": day,
        "quantity": Decimal(hours),
        "unit_price": Decimal(200),
        "task_code": "L330",
        "activity_code": "A109",
        "narrative": "Attend deposition of the treating physician.",
    }
    return NewCharge(**(values | more))


def captured(*charges: NewCharge) -> None:
    """Capture charges; every one must be taken."""
    answers = capture("test", list(charges), by=SYSTEM, on=NOVEMBER)
    assert {answer.status for answer in answers} == {"accepted"}, answers


def monthly_run(on: date = NOVEMBER, **more) -> BillingRun:
    """Plan a monthly run as the schedule does."""
    values: dict[str, Any] = {
        "key": f"test:{uuid4()}",
        "billing_aggregation": "monthly",
        "period_of_execution": "beginning-of-the-month",
        "on": on,
        "now": NOW,
        "by": SYSTEM,
    }
    return plan_run(**(values | more))


def drafted(on: date = NOVEMBER) -> list[Invoice]:
    """Plan a monthly run and draft all of it here and now."""
    run = monthly_run(on)
    draft_items(run, first=1, last=1000, by=SYSTEM)
    return list(Invoice.objects.filter(run_item__run=run).order_by("run_item__position"))


def a_draft(*, reviewer: Actor | None = None, hours: tuple[str, ...] = ("2.0", "1.5")) -> Invoice:
    """Return the draft for one customer with a line for each piece of time."""
    matter = matter_of(customer(reviewer=reviewer))
    captured(*(time_worked(matter, hours=each) for each in hours))
    (invoice,) = drafted()
    return invoice


def approved(*, reviewer: Actor, hours: tuple[str, ...] = ("2.0", "1.5")) -> Invoice:
    """Return an invoice that its reviewer has approved."""
    invoice = a_draft(reviewer=reviewer, hours=hours)
    request_review([invoice], by=SYSTEM)
    return approve(invoice, version_seen=invoice.version, by=reviewer)


def finalized(*, reviewer: Actor, on: date = date(2026, 11, 2), **more) -> Invoice:
    """Return a final invoice of two lines that come to 700 dollars."""
    (invoice,) = finalize([approved(reviewer=reviewer, **more)], by=SYSTEM, on=on)
    return invoice


def final(draft: Invoice, reviewer: Actor, *, on: date = date(2026, 11, 2)) -> Invoice:
    """Bring a draft through review to its end."""
    Invoice.objects.filter(pk=draft.pk).update(reviewer_id=reviewer.id)
    request_review([draft], by=SYSTEM)
    approve(draft, version_seen=draft.version, by=reviewer)
    return finalize([draft], by=SYSTEM, on=on)[0]


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Return an invoice's lines in order."""
    return list(InvoiceLine.objects.filter(invoice=invoice).order_by("number"))


def terms_of(made) -> AggregationSetting:
    """Return the newest terms of a customer."""
    return AggregationSetting.objects.filter(customer=made).latest("pk")
