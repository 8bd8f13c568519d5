"""What every endpoint asks of its request: who, on which day, and the typed body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any, cast
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request

from billing_portal.api.problems import django_request
from billing_portal.ids import NotAnId, uid_of
from billing_portal.periods import local_day
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.requests import FirmRequest


def by(request: Request) -> Actor:
    """Return who asks."""
    return cast(Actor, request.user)


def today(request: Request) -> date:
    """Return the day it is for the firm of the key."""
    firm = cast(FirmRequest, django_request(request)).tenant
    return local_day(datetime.now(UTC), firm.time_zone)


def typed(shape: type[serializers.Serializer], data: Any) -> dict[str, Any]:
    """Return the values of a body.

    :raises ValidationError: naming every value that cannot be accepted.
    """
    asked = shape(data=data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def wrong_at(
    *places: tuple[str | int, ...], words: str, code: str = "not_found"
) -> serializers.ValidationError:
    """Return the error that says the same of values in a body, each by the steps of its place.

    What a body names and the firm does not have is told so: the address was right, so it is no 404.
    """
    whole: Any = {}
    for place in places:
        within = whole
        for step in place[:-1]:
            within = within.setdefault(step, {})
        within[place[-1]] = [ErrorDetail(words, code)]
    return serializers.ValidationError(whole)


def uid_in_path(prefix: str, text: str) -> UUID:
    """Return the key behind a public id that the path holds.

    :raises Http404: for a malformed id or one of another noun, as for a row that is not there.
    """
    try:
        return uid_of(prefix, text)
    except NotAnId as error:
        raise Http404 from error


def answered_by_row(
    rows: Sequence[dict[str, Any]],
    shape: type[serializers.Serializer],
    deed: Callable[[list[dict[str, Any]]], Sequence[Any]],
    untyped: Callable[[serializers.Serializer], Any],
) -> dict[str, Any]:
    """Answer each row of a batch in its place; rows of bad values never reach the deed.

    :param deed: takes the good rows' values and returns an answer for each, in their order.
    :param untyped: returns the answer to a row whose values cannot be read.
    """
    shaped = [shape(data=row) for row in rows]
    good = [index for index, row in enumerate(shaped) if row.is_valid()]
    done = deed([shaped[index].validated_data for index in good])
    answers = dict(zip(good, done, strict=True))
    results = [
        {"index": index, **asdict(answers.get(index) or untyped(row))}
        for index, row in enumerate(shaped)
    ]
    return {"counts": dict(Counter(row["status"] for row in results)), "results": results}
