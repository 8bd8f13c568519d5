"""What every action of the room asks of the values it is given."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction

from billing_portal.errors import Stale
from billing_portal.members.models import Membership
from billing_portal.money import UnknownCurrency, must_be_in_use
from billing_portal.periods import zone
from billing_portal.tenancy.models import PublicModel
from billing_portal.tenancy.scope import current_tenant_id
from billing_portal.texts import refuse_hidden
from customers.actions.refusals import (
    BadValue,
    CardNumberRefused,
    ExternalIdMissing,
    ExternalIdTaken,
    NotAMember,
    Unknown,
)
from customers.models import lookup_key

M = TypeVar("M", bound=PublicModel)
_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])")
# Issuer ranges of ISO/IEC 7812 that cards of the large networks carry.
_ISSUER = re.compile(
    r"^(?:4(?:\d{12}|\d{15}|\d{18})"
    r"|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d*"
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}"
    r"|(?:6011|65|64[4-9]|62|35(?:2[89]|[3-8]\d))\d*)$"
)
_NINE = 9
_NARRATIVES = {"invoice_description"}


def locked(row: M) -> M:
    """Return the row as the database has it now, locked until the deed ends. One query.

    :raises Unknown: when the firm has no such row.
    """
    manager: Any = type(row).objects
    found: M | None = manager.select_for_update().filter(pk=row.pk).first()
    if found is None:
        raise Unknown(f"There is no such {row._meta.verbose_name}.")
    return found


def take_version(row: Any, seen: int) -> None:
    """Count the row's version up.

    :raises Stale: when it is not the one that was read.
    """
    if row.version != seen:
        raise Stale(seen, row.version)
    row.version += 1


def changed(row: models.Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set values on a row and return those that differ from before, as the audit keeps them.

    Of a narrative the audit keeps that it changed, not what it says.
    """
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    return {
        name: "changed" if name in _NARRATIVES else _plain(value)
        for name, value in values.items()
        if before[name] != value
    }


def refuse_known_names(values: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Pass when only names that may change were given; another one is a bug and crashes."""
    strange = set(values) - allowed
    if strange:
        raise TypeError(f"These do not change: {', '.join(sorted(strange))}.")


def save_named(row: Any) -> None:
    """Write a row that has an outside id, with its lookup keys. One savepoint, one statement.

    The unique key decides, so that two writers at once cannot both have the id.

    :raises ExternalIdMissing: when the id is empty.
    :raises ExternalIdTaken: when another row has it, in whatever case.
    """
    row.external_key = lookup_key(row.external_id)
    row.name_key = lookup_key(row.name)
    if not row.external_key:
        raise ExternalIdMissing("An id is needed.")
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if not violated(error).endswith("_external_id_is_unique"):
            raise
        kind = row._meta.verbose_name
        raise ExternalIdTaken(f"There is a {kind} {row.external_id} already.") from error


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint that refused a statement, or an empty text."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def refuse_card_numbers(values: Mapping[str, Any]) -> None:
    """Pass when no text holds a card number: 13 to 19 digits of a network, check digit right.

    :raises CardNumberRefused: naming the field, never the number.
    """
    for name, value in values.items():
        if isinstance(value, str) and has_card_number(value):
            label = name.replace("_", " ")
            raise CardNumberRefused(f"There is a card number in “{label}”. Send it to the gateway.")


def refuse_hidden_characters(values: Mapping[str, Any]) -> None:
    """Pass when no text holds a character that cannot be seen and changes what is.

    :raises HiddenCharacter: naming the field and the character.
    """
    refuse_hidden(values, prose=_NARRATIVES)


def has_card_number(text: str) -> bool:
    """Say whether a text holds what looks like a card number."""
    for found in _DIGITS.finditer(text):
        digits = re.sub(r"[ -]", "", found.group())
        if _ISSUER.match(digits) and _luhn(digits):
            return True
    return False


def refuse_bad_places(values: Mapping[str, Any]) -> None:
    """Pass when currency and time zone, where given, are known ones.

    :raises BadValue: otherwise.
    """
    if "currency" in values:
        try:
            must_be_in_use(values["currency"])
        except UnknownCurrency as error:
            raise BadValue(f"{values['currency']} is no currency.") from error
    if "time_zone" in values:
        try:
            zone(values["time_zone"])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise BadValue(f"{values['time_zone']} is no time zone.") from error


def refuse_strangers(*users: Any) -> None:
    """Pass when each user given holds an approved role in the firm. One query for each.

    :raises NotAMember: otherwise.
    """
    for user in users:
        if user is None:
            continue
        held = Membership.objects.held().filter(tenant_id=current_tenant_id(), user=user)
        if not held.exists():
            raise NotAMember("This person is no member of the firm.")


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - _NINE if value > _NINE else value
    return total % 10 == 0


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return str(getattr(value, "public_id", value.pk))
    if value is None or isinstance(value, str | int | bool | list):
        return value
    return str(value)
