"""Take over what the firm's own system says, row by row: made, changed, unchanged or refused.

Rows are found by outside id in one query for the batch. A row that says nothing new costs nothing
more, so that a system may send everything every night; each other row is one action of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction

from billing_portal.errors import Refused
from billing_portal.members.models import User
from billing_portal.money import Money
from billing_portal.tenancy.actors import Actor
from customers import queries
from customers.actions.customers import change_customer, move_customer, open_customer
from customers.actions.matters import change_matter, open_matter
from customers.actions.rates import propose_rate
from customers.actions.refusals import BadValue, Unknown
from customers.actions.timekeepers import add_timekeeper, change_timekeeper
from customers.models import Address, Customer, Rate, lookup_key

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RowAnswer:
    """What came of one row: ``created``, ``updated``, ``unchanged`` or ``refused`` with a code."""

    status: str
    external_id: str = ""
    id: str = ""
    version: int | None = None
    code: str = ""
    detail: str = ""


def upsert_customers(rows: Sequence[Row], *, on: date, by: Actor) -> list[RowAnswer]:
    """Open or change a customer for each row. Three queries, and those of an action a changed row.

    :param rows: ``CustomerValues`` with ``external_id``; ``currency`` is needed to open one;
        ``address`` holds ``AddressValues``, from ``on`` if it is another than the one in force.
    :param on: the day from which a new customer is taxable.
    """
    known = _by_key(queries.customers_by_external_id(_ids(rows)))
    parties = queries.parties_of(known.values(), on)

    def deed(row: Row) -> RowAnswer:
        values = dict(row)
        address = values.pop("address", None)
        found = known.get(lookup_key(row["external_id"]))
        if found is None:
            _need(values, "name", "currency")
            with transaction.atomic():
                made = open_customer(on=on, by=by, **values)
                if address:
                    move_customer(made, starts_on=on, by=by, **address)
            known[made.external_key] = made
            return _answer("created", made)
        if values.pop("currency", found.currency) != found.currency:
            raise BadValue(f"The currency of {found} is {found.currency} and stays so.")
        party = parties.get(found.pk)
        if not address or _is_at(party.address if party else None, address):
            return _update(known, found, values, change_customer, by)
        with transaction.atomic():
            move_customer(found, starts_on=on, by=by, **address)
            answer = _update(known, found, values, change_customer, by)
        return replace(answer, status="updated")

    return [_each(row, deed) for row in rows]


def _is_at(known: Address | None, address: Row) -> bool:
    return known is not None and all(
        getattr(known, name) == value for name, value in address.items()
    )


def upsert_matters(rows: Sequence[Row], *, by: Actor) -> list[RowAnswer]:
    """Open or change a matter for each row. Three queries, and those of an action a changed row.

    :param rows: ``MatterValues`` with ``external_id``; ``customer_external_id`` and
        ``opened_on`` are needed to open one, and must fit where it is known;
        ``responsible_email`` names a member.
    """
    known = _by_key(queries.matters_by_external_id(_ids(rows)))
    named = [row["customer_external_id"] for row in rows if "customer_external_id" in row]
    customers = queries.customers_by_external_id(named)
    people = queries.members_by_email(row.get("responsible_email", "") for row in rows)

    def deed(row: Row) -> RowAnswer:
        values = dict(row)
        customer = _named(customers, values.pop("customer_external_id", None), "customer")
        opened_on = values.pop("opened_on", None)
        if "responsible_email" in values:
            values["responsible"] = _member(people, values.pop("responsible_email"))
        found = known.get(lookup_key(row["external_id"]))
        if found is None:
            _need({**values, "customer": customer, "opened_on": opened_on}, "name", "opened_on")
            made = open_matter(_given(customer), opened_on=_day(opened_on), by=by, **values)
            known[made.external_key] = made
            return _answer("created", made)
        if customer is not None and customer.pk != found.customer_id:
            raise BadValue(f"{found} is a matter of {found.customer} and stays so.")
        return _update(known, found, values, change_matter, by)

    return [_each(row, deed) for row in rows]


def upsert_timekeepers(rows: Sequence[Row], *, by: Actor) -> list[RowAnswer]:
    """Add or change a timekeeper for each row. One query, and those of an action a changed row.

    :param rows: ``TimekeeperValues`` with ``external_id``.
    """
    known = _by_key(queries.timekeepers_by_external_id(_ids(rows)))

    def deed(row: Row) -> RowAnswer:
        found = known.get(lookup_key(row["external_id"]))
        if found is None:
            _need(row, "name", "classification")
            made = add_timekeeper(by=by, **dict(row))
            known[made.external_key] = made
            return _answer("created", made)
        return _update(known, found, row, change_timekeeper, by)

    return [_each(row, deed) for row in rows]


def propose_rates(rows: Sequence[Row], *, by: Actor) -> list[RowAnswer]:
    """Propose a rate for each row, unless the same one waits or holds already.

    Four queries, and those of an action a new row.

    :param rows: ``amount`` (Money), ``starts_on``, and at will ``ends_on``, ``level``, and the
        outside ids ``matter_external_id``, ``customer_external_id``, ``timekeeper_external_id``.
    """
    matters = queries.matters_by_external_id(_all(rows, "matter_external_id"))
    customers = queries.customers_by_external_id(_all(rows, "customer_external_id"))
    people = queries.timekeepers_by_external_id(_all(rows, "timekeeper_external_id"))
    known = {_terms_of(rate): rate for rate in queries.living_rates_from(_first_day(rows))}

    def deed(row: Row) -> RowAnswer:
        asked = {
            "matter": _named(matters, row.get("matter_external_id"), "matter"),
            "customer": _named(customers, row.get("customer_external_id"), "customer"),
            "timekeeper": _named(people, row.get("timekeeper_external_id"), "timekeeper"),
            "level": row.get("level", ""),
            "starts_on": row["starts_on"],
            "ends_on": row.get("ends_on"),
            "amount": row["amount"],
        }
        found = known.get(_terms_asked(asked))
        if found is not None:
            return _answer("unchanged", found)
        made = propose_rate(by=by, **asked)
        known[_terms_of(made)] = made
        return _answer("created", made)

    return [_each(row, deed) for row in rows]


def _each(row: Row, deed: Callable[[Row], RowAnswer]) -> RowAnswer:
    """Answer for one row; the action that a row leads to is a savepoint of its own."""
    try:
        return deed(row)
    except Refused as refusal:
        named = str(row.get("external_id", ""))
        return RowAnswer("refused", named, code=refusal.code, detail=str(refusal))


def _update(
    known: dict[str, Any], found: Any, values: Row, change: Callable[..., Any], by: Actor
) -> RowAnswer:
    if all(getattr(found, name) == value for name, value in values.items()):
        return _answer("unchanged", found)
    written = change(found, version_seen=found.version, by=by, **values)
    known[written.external_key] = written
    return _answer("updated", written)


def _answer(status: str, row: Any) -> RowAnswer:
    return RowAnswer(
        status, getattr(row, "external_id", ""), row.public_id, getattr(row, "version", None)
    )


def _ids(rows: Sequence[Row]) -> list[str]:
    return [row["external_id"] for row in rows]


def _all(rows: Sequence[Row], name: str) -> list[str]:
    return [row[name] for row in rows if row.get(name)]


def _by_key(found: Mapping[str, Any]) -> dict[str, Any]:
    return {row.external_key: row for row in found.values()}


def _need(values: Row, *names: str) -> None:
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise BadValue(f"A new one needs {' and '.join(missing)}.")


def _named(found: Mapping[str, Any], external_id: str | None, kind: str) -> Any:
    if not external_id:
        return None
    if external_id not in found:
        raise Unknown(f"There is no {kind} {external_id}.")
    return found[external_id]


def _given(customer: Customer | None) -> Customer:
    if customer is None:
        raise BadValue("A new one needs customer_external_id.")
    return customer


def _day(value: date | None) -> date:
    if value is None:
        raise BadValue("A new one needs opened_on.")
    return value


def _member(people: Mapping[str, User], email: str) -> User | None:
    if not email:
        return None
    if email.lower() not in people:
        raise Unknown(f"{email} is no member of the firm.")
    return people[email.lower()]


def _first_day(rows: Sequence[Row]) -> date:
    return min((row["starts_on"] for row in rows), default=date.max)


_Terms = tuple[int | None, int | None, int | None, str, date, date | None, Money]


def _terms_of(rate: Rate) -> _Terms:
    exact = Money(rate.price.amount.normalize(), rate.price.currency)
    return (
        *(rate.matter_id, rate.customer_id, rate.timekeeper_id),
        *(rate.level, rate.starts_on, rate.ends_on, exact),
    )


def _terms_asked(asked: Row) -> _Terms:
    amount: Money = asked["amount"]
    keys = (getattr(asked[name], "pk", None) for name in ("matter", "customer", "timekeeper"))
    matter, customer, timekeeper = keys
    exact = Money(amount.amount.normalize(), amount.currency)
    return (
        *(matter, customer, timekeeper),
        *(asked["level"], asked["starts_on"], asked["ends_on"], exact),
    )
