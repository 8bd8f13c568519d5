"""Rows against the deeds that tell them, for ``ledger_verify``: words without values.

Asked both ways: what a deed is about, or tells, is there and says the same; what is there, some
deed is about. Deeds of before rows were told name their things, and tell no more of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from django.db import models
from django.utils.text import capfirst

from billing_portal.audit.models import AuditEvent
from billing_portal.audit.rows import recorded_models, row_name, row_sha256
from billing_portal.ids import NotAnId, uid_of
from billing_portal.tenancy.scope import current_tenant_id

_TOLD = 5
_BATCH = 1000
_GONE = ""
_Named = dict[str, dict[str, str | None]]


def rows_are_as_recorded() -> list[str]:
    """Everything that the trail tells of is there, as the last deed about it told.

    One query for each 1,000 deeds, two more for each kind of thing among them, and each of their
    rows once; all of it again where something is off, as a deed may have come in between.
    """
    off = _off()
    if off:
        again = _off()
        off = {name: now for name, now in off.items() if again.get(name) == now}
    return [_said(name, now) for name, now in islice(sorted(off.items()), _TOLD)]


def _said(name: str, now: str) -> str:
    kind, _, own = name.partition(":")
    noun = capfirst(str(recorded_models()[kind]._meta.verbose_name))
    if now == _GONE:
        return f"{noun} {own} is gone, and the trail tells of it."
    return f"{noun} {own} is not as it was recorded."


def _off() -> dict[str, str]:
    """Return what is not as the trail has it: by kind and name, the hash that it has now.

    The trail is read forwards, so that a row which a deed changed is off until that deed is read.
    """
    off: dict[str, str] = {}
    events = AuditEvent.objects.order_by("pk")
    deeds = events.values_list("subject_kind", "subject_id", "details__rows").iterator(_BATCH)
    while some := list(islice(deeds, _BATCH)):
        for kind, names in _named(some).items():
            now = _now(recorded_models()[kind], names)
            for name, wanted in names.items():
                found = now.get(name, _GONE)
                key = f"{kind}:{name}"
                if found == _GONE or (wanted is not None and found != wanted):
                    off[key] = found
                elif wanted is not None:
                    off.pop(key, None)
    return off


def _named(deeds: list[tuple[str, str, dict[str, str] | None]]) -> _Named:
    """Return what deeds are about, and the hash that the last of them told of it, if any did."""
    named: _Named = defaultdict(dict)
    known = recorded_models()
    for kind, subject, rows in deeds:
        if kind in known and not subject.isdecimal():  # as some were named before
            named[kind].setdefault(subject, None)
        for each, sha256 in (rows or {}).items():
            told_kind, _, name = each.partition(":")
            if told_kind in known:
                named[told_kind][name] = sha256
    return named


def _now(model: type[models.Model], names: dict[str, str | None]) -> dict[str, str]:
    """Return the hashes that rows have now, by their names; of those not told, only any word."""
    key, rows = _key(model), _rows(model)
    told = _by_key(model, [name for name, sha256 in names.items() if sha256 is not None])
    others = _by_key(model, [name for name, sha256 in names.items() if sha256 is None])
    now: dict[str, str] = {}
    if told:
        heavy = [each.name for each in model._meta.fields if isinstance(each, models.BinaryField)]
        for row in rows.filter(**{f"{key}__in": list(told)}).defer(*heavy):
            now[told[getattr(row, key)]] = row_sha256(row)
    if others:
        there = rows.filter(**{f"{key}__in": list(others)}).values_list(key, flat=True)
        now |= {others[each]: "there" for each in there}
    return now


def _rows(model: type[models.Model]) -> models.QuerySet[Any]:
    """Return the firm's rows, also of a model that is shared."""
    return model._default_manager.filter(tenant_id=current_tenant_id())


def _key(model: type[models.Model]) -> str:
    """Return the column by which the trail names a model's rows, as ``name_of`` does."""
    if hasattr(model, "NAMED_BY"):
        return str(model.NAMED_BY)
    return "uid" if hasattr(model, "public_id") else "id"


def _by_key(model: type[models.Model], names: list[str]) -> dict[Any, str]:
    """Return names by the keys that they stand for; one that stands for none is left out."""
    if hasattr(model, "NAMED_BY"):
        return {model.key_named(name): name for name in names}  # type: ignore[attr-defined]  # it has both
    if _key(model) == "id":
        return {int(name): name for name in names if name.isdecimal()}
    keys: dict[Any, str] = {}
    for name in names:
        with suppress(NotAnId):
            keys[uid_of(model.ID_PREFIX, name)] = name  # type: ignore[attr-defined]  # every public model has one
    return keys


def rows_are_known() -> list[str]:
    """Everything that stands for a deed is known to the trail.

    Two queries for each 1,000 rows of such kinds.
    """
    return list(islice(_unknown(), _TOLD))


def _unknown() -> Iterator[str]:
    for kind, model in recorded_models().items():
        if not getattr(model, "IS_SUBJECT", False):
            continue
        noun = capfirst(str(model._meta.verbose_name))
        every = _rows(model).only(_key(model)).order_by("pk").iterator(_BATCH)
        while some := list(islice(every, _BATCH)):
            names = [row_name(row) for row in some]
            about = AuditEvent.objects.filter(subject_kind=kind, subject_id__in=names)
            known = set(about.values_list("subject_id", flat=True))
            yield from (
                f"{noun} {each} is unknown to the trail." for each in names if each not in known
            )
