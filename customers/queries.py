"""Who pays, on which terms, and what an hour costs; each answer says what it costs to ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from billing_portal.errors import Refused
from billing_portal.members.models import User
from billing_portal.money import Money
from billing_portal.periods import Cadence
from billing_portal.tenancy.encryption import open_up
from billing_portal.tenancy.scope import current_tenant_id
from customers.models import (
    Address,
    AggregationSetting,
    BankDetails,
    Customer,
    Matter,
    PaymentMethod,
    Rate,
    TaxIdentity,
    Timekeeper,
    lookup_key,
)


class NoRate(Refused):
    """No approved rate holds for this timekeeper, matter and day."""

    code = "customers.no_rate"


class NoTerms(Refused):
    """Nothing is agreed yet on how this customer is invoiced."""

    code = "customers.no_terms"


_AT_ONCE = 5_000  # keys in one query


@dataclass(frozen=True)
class RateAsk:
    """Who worked for which matter on which day; the matter comes with its customer."""

    timekeeper: Timekeeper
    matter: Matter
    on: date


@dataclass(frozen=True)
class RateAnswer:
    """The price of an hour, the row that says so, and why that row."""

    rate: Money
    row: Rate
    precedence: str


@dataclass(frozen=True)
class Billable:
    """A customer, or one of its matters, and the terms on which it is invoiced."""

    customer: Customer
    matter: Matter | None
    terms: AggregationSetting


@dataclass(frozen=True)
class Party:
    """A customer as an invoice of some day knows it."""

    customer: Customer
    address: Address | None
    tax_id: str
    tax_status: str


def rate_in_force(timekeeper: Timekeeper, matter: Matter, on: date) -> RateAnswer:
    """Return the price of an hour of this timekeeper for this matter on a day.

    The matter's card goes before the customer's and that before the firm's; on one card the
    timekeeper's own rate goes before that of the level and that before the one for anybody. Only
    rates in the customer's currency count. One query; two when the matter came without customer.

    :raises NoRate: when none holds.
    """
    (answer,) = rates_in_force([RateAsk(timekeeper, matter, on)])
    if answer is None:
        raise NoRate(f"No approved rate holds for {timekeeper} on {matter} on {on}.")
    return answer


def rates_in_force(asks: Sequence[RateAsk]) -> list[RateAnswer | None]:
    """Return an answer for each ask in its place, None where no rate holds. One query for all.

    Matters come with their customers (``select_related``), or each costs one query more.
    """
    if not asks:
        return []
    cards = Q(matter__isnull=True, customer__isnull=True)
    cards |= Q(matter__in={ask.matter.pk for ask in asks})
    cards |= Q(customer__in={ask.matter.customer_id for ask in asks})
    people = Q(timekeeper__in={ask.timekeeper.pk for ask in asks})
    people |= Q(timekeeper__isnull=True, level__in={"", *(ask.timekeeper.level for ask in asks)})
    days = [ask.on for ask in asks]
    rows = Rate.objects.approved().filter(
        cards,
        people,
        Q(ends_on__isnull=True) | Q(ends_on__gt=min(days)),
        starts_on__lte=max(days),
    )
    found: dict[tuple[int | None, int | None, int | None, str], list[Rate]] = defaultdict(list)
    for row in rows:
        found[(row.matter_id, row.customer_id, row.timekeeper_id, row.level)].append(row)
    return [_answer(ask, found) for ask in asks]


def _answer(
    ask: RateAsk, found: dict[tuple[int | None, int | None, int | None, str], list[Rate]]
) -> RateAnswer | None:
    matter, person = ask.matter, ask.timekeeper
    cards = (
        (matter.pk, None, f"the card of matter {matter.external_id}"),
        (None, matter.customer_id, f"the card of {matter.customer}"),
        (None, None, "the firm's card"),
    )
    addressees: list[tuple[int | None, str, str]] = [(person.pk, "", f"timekeeper {person}")]
    if person.level:
        addressees.append((None, person.level, f"level {person.level}"))
    addressees.append((None, "", "anybody"))
    for matter_id, customer_id, card in cards:
        for timekeeper_id, level, whom in addressees:
            for row in found.get((matter_id, customer_id, timekeeper_id, level), ()):
                if _holds(row, ask):
                    return RateAnswer(row.price, row, f"The rate for {whom} on {card}.")
    return None


def _holds(row: Rate, ask: RateAsk) -> bool:
    has_started = row.starts_on <= ask.on and (row.ends_on is None or ask.on < row.ends_on)
    return has_started and row.price.currency == ask.matter.customer.currency


def rate_card(
    *, on: date, customer: Customer | None = None, matter: Matter | None = None
) -> list[Rate]:
    """Return the approved rates of one card that hold on a day, timekeepers first. One query.

    Without customer and matter, the firm's own card.
    """
    return list(
        Rate.objects.approved()
        .select_related("timekeeper")
        .filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=on),
            starts_on__lte=on,
            customer=customer,
            matter=matter,
        )
        .order_by("timekeeper__name_key", "level", "pk")
    )


def aggregation_of(
    customer: Customer, on: date, *, matter: Matter | None = None
) -> AggregationSetting:
    """Return the terms that hold on a day: the matter's own, else the customer's. One query.

    :raises NoTerms: when none has started.
    """
    rows = _terms_in_force(on).filter(customer=customer)
    whose = Q(matter__isnull=True) if matter is None else Q(matter__isnull=True) | Q(matter=matter)
    found = {row.matter_id: row for row in rows.filter(whose)}
    terms = found.get(matter.pk if matter else None) or found.get(None)
    if terms is None:
        raise NoTerms(f"Nothing is agreed for {customer} on {on}.")
    return terms


def aggregations_of(
    customers: Iterable[Customer], on: date
) -> dict[tuple[int, int | None], AggregationSetting]:
    """Return the terms of many customers on a day, by (customer, matter or None). One query."""
    ids = [customer.pk for customer in customers]
    rows = _terms_in_force(on).filter(customer__in=ids)
    return {(row.customer_id, row.matter_id): row for row in rows}


def billable_customers(on: date, *, cadence: Cadence | None = None) -> list[Billable]:
    """Return who is invoiced on which terms on a day, by id. One query, and one for each 5,000.

    These are the active customers, and those of their matters that have terms of their own. What
    is in force is found first and then fetched by key: joined in one query, a table that was not
    yet analyzed is sorted anew for each of its rows.
    """
    terms = _terms_in_force(on).values_list("pk", "cadence")
    keys = [pk for pk, its_cadence in terms if cadence in {None, its_cadence}]
    active = AggregationSetting.objects.filter(
        customer__state=Customer.State.ACTIVE
    ).select_related("customer", "matter", "payment_method", "reviewer")
    found = [
        Billable(row.customer, row.matter, row)
        for at in range(0, len(keys), _AT_ONCE)
        for row in active.filter(pk__in=keys[at : at + _AT_ONCE])
    ]
    return sorted(found, key=_place)


def _place(billable: Billable) -> tuple[int, bool, int]:
    """By customer, matters with terms of their own first."""
    terms = billable.terms
    return terms.customer_id, terms.matter_id is None, terms.matter_id or 0


def _terms_in_force(on: date) -> QuerySet[AggregationSetting]:
    """The newest row that has started, for each customer and matter; later word on a day wins."""
    rows: QuerySet[AggregationSetting] = AggregationSetting.objects.filter(starts_on__lte=on)
    return rows.order_by("customer_id", "matter_id", "-starts_on", "-pk").distinct(
        "customer_id", "matter_id"
    )


def parties_of(customers: Iterable[Customer], on: date) -> dict[int, Party]:
    """Return customers as an invoice of a day knows them, by their key. Two queries for all.

    Before the first row starts the first row holds, so that work done before the customer was
    opened has an address too.
    """
    known = {customer.pk: customer for customer in customers}
    addresses = _in_force(Address.objects.filter(customer__in=known), on)
    identities = _in_force(TaxIdentity.objects.filter(customer__in=known), on)
    return {
        key: _party(customer, addresses.get(key), identities.get(key))
        for key, customer in known.items()
    }


def party_of(customer: Customer, on: date) -> Party:
    """Return a customer as an invoice of a day knows it. Two queries."""
    return parties_of([customer], on)[customer.pk]


def _party(customer: Customer, address: Address | None, tax: TaxIdentity | None) -> Party:
    status = tax.status if tax else TaxIdentity.Status.TAXABLE
    return Party(customer, address, tax.tax_id if tax else "", str(status))


def _in_force(rows: QuerySet[Any], on: date) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for row in rows.order_by("starts_on", "pk"):
        if row.starts_on <= on or row.customer_id not in found:
            found[row.customer_id] = row
    return found


def customers_by_external_id(external_ids: Iterable[str]) -> dict[str, Customer]:
    """Return customers by the outside ids asked for, in whatever case they came. One query.

    Ids that nobody has are left out.
    """
    asked = {text: lookup_key(text) for text in external_ids}
    rows = Customer.objects.filter(external_key__in=set(asked.values()))
    found = {row.external_key: row for row in rows}
    return {text: found[key] for text, key in asked.items() if key in found}


def customer_by_external_id(external_id: str) -> Customer | None:
    """Return the customer with this outside id, or None. One query."""
    return customers_by_external_id([external_id]).get(external_id)


def matters_by_external_id(external_ids: Iterable[str]) -> dict[str, Matter]:
    """Return matters, each with its customer, by the firm's ids asked for. One query."""
    asked = {text: lookup_key(text) for text in external_ids}
    rows = Matter.objects.select_related("customer").filter(external_key__in=set(asked.values()))
    found = {row.external_key: row for row in rows}
    return {text: found[key] for text, key in asked.items() if key in found}


def matters_by_ids(ids: Iterable[int]) -> dict[int, Matter]:
    """Return matters, each with its customer, by their keys. One query."""
    rows = Matter.objects.select_related("customer").filter(pk__in=set(ids))
    return {row.pk: row for row in rows}


def timekeepers_by_external_id(external_ids: Iterable[str]) -> dict[str, Timekeeper]:
    """Return timekeepers by the firm's ids asked for. One query."""
    asked = {text: lookup_key(text) for text in external_ids}
    rows = Timekeeper.objects.filter(external_key__in=set(asked.values()))
    found = {row.external_key: row for row in rows}
    return {text: found[key] for text, key in asked.items() if key in found}


def living_rates_from(day: date) -> list[Rate]:
    """Return the rates that start on a day or later, approved or still to be. One query."""
    living = (Rate.State.APPROVED, Rate.State.PROPOSED)
    return list(Rate.objects.filter(starts_on__gte=day, state__in=living))


def members() -> QuerySet[User]:
    """Return the people who hold an approved role in the firm, by name. One query."""
    rows: QuerySet[User] = User.objects.filter(
        is_active=True,
        memberships__tenant_id=current_tenant_id(),
        memberships__ended_at__isnull=True,
        memberships__approved_by__gt="",
    )
    return rows.distinct().order_by("name")


def members_by_email(emails: Iterable[str]) -> dict[str, User]:
    """Return members by the addresses asked for, in lower case. One query, none for no address."""
    asked = {email.lower() for email in emails if email}
    return {user.email: user for user in members().filter(email__in=asked)} if asked else {}


def bank_details_of(method: PaymentMethod) -> BankDetails | None:
    """Return the bank details that count: the newest approved. One query."""
    found: BankDetails | None = (
        BankDetails.objects.filter(payment_method=method, state=BankDetails.State.APPROVED)
        .order_by("-pk")
        .first()
    )
    return found


def account_of(details: BankDetails) -> str:
    """Return the account in clear, for the gateway that collects from it; never for a page.

    :raises WrongPlace: when it was encrypted for another row. One query for the firm's key.
    """
    return open_up(
        details.sealed_account,
        table="customers_bankdetails",
        column="sealed_account",
        row=details.uid,
    )
