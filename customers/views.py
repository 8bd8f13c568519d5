"""What the room puts into a person's inbox and into search, and what it calls its nouns."""

from __future__ import annotations

from django.urls import reverse

from billing_portal.ids import uid_of
from billing_portal.portal.beginnings import begins
from billing_portal.portal.inbox import InboxItem, SearchGroup, SearchHit, first_waiting
from billing_portal.portal.nouns import Noun
from billing_portal.tenancy.actors import Actor
from customers.models import Customer, Matter, Rate, lookup_key

_MOST = 20


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return proposals that wait for this person's approval, oldest first. One query."""
    if not actor.may("rates.approve"):
        return []
    waiting = (
        Rate.objects.proposed()
        .exclude(proposed_by=actor.ref)
        .select_related("matter", "customer", "timekeeper")
        .order_by("pk")
    )
    return first_waiting(
        waiting,
        lambda rates: [_rate_to_decide(each) for each in rates],
        what="rates to decide on",
        url=f"{reverse('admin:customers_rate_changelist')}?state__exact={Rate.State.PROPOSED}",
    )


def _rate_to_decide(rate: Rate) -> InboxItem:
    return InboxItem(
        kind="rate",
        title=f"Approve a rate from {rate.starts_on:%b %-d, %Y}",
        detail=str(rate.timekeeper or rate.level or "Anybody"),
        url=reverse("admin:customers_rate_change", args=[rate.pk]),
        icon="key-round",
        order=f"{rate.starts_on}:{rate.pk:012}",
        verb="Decide",
        tone="warn",
        why="A second person must approve it before it prices anything.",
        amount=rate.price,
    )


def search(actor: Actor, text: str) -> SearchGroup:
    """Find customers and matters whose number or name begins with a text. Four queries."""
    hits: list[SearchHit] = []
    if actor.may("customers.read"):
        hits = [*_customers(text), *_matters(text)]
    return SearchGroup("Customers and matters", "users", hits[:_MOST])


def customers_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return customers' names by public id, with their pages in the back office. One query."""
    if not actor.may("customers.read"):
        return {}
    rows = Customer.objects.filter(uid__in=[uid_of(Customer.ID_PREFIX, text) for text in ids])
    return {row.public_id: Noun(row.name, _office(actor, "customer", row.pk)) for row in rows}


def matters_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return matters' names by public id, with their pages in the back office. One query."""
    if not actor.may("customers.read"):
        return {}
    rows = Matter.objects.filter(uid__in=[uid_of(Matter.ID_PREFIX, text) for text in ids])
    return {row.public_id: Noun(str(row), _office(actor, "matter", row.pk)) for row in rows}


def _office(actor: Actor, noun: str, pk: int) -> str:
    may_enter = actor.may("admin.enter")
    return reverse(f"admin:customers_{noun}_change", args=[pk]) if may_enter else ""


def _customers(text: str) -> list[SearchHit]:
    key = lookup_key(text)
    return [
        SearchHit(
            title=customer.name,
            detail=f"Customer {customer.external_id}",
            url=reverse("admin:customers_customer_change", args=[customer.pk]),
        )
        for column in ("external_key", "name_key")
        for customer in Customer.objects.filter(begins(column, key)).order_by("pk")[:_MOST]
    ]


def _matters(text: str) -> list[SearchHit]:
    key = lookup_key(text)
    return [
        SearchHit(
            title=matter.name,
            detail=f"Matter {matter.external_id} of {matter.customer}",
            url=reverse("admin:customers_matter_change", args=[matter.pk]),
        )
        for column in ("external_key", "name_key")
        for matter in Matter.objects.filter(begins(column, key))
        .select_related("customer")
        .order_by("pk")[:_MOST]
    ]
