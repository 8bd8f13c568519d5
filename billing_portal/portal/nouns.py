"""What a page calls a thing that it knows by its public id only, and where it may be opened.

A lower room does not know the nouns above it, but shows their ids; the rooms that have them offer
names and addresses by ``settings.NOUN_PROVIDERS``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404
from django.utils.module_loading import import_string

from billing_portal.ids import NotAnId, uid_of
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.scoped import M


@dataclass(frozen=True)
class Noun:
    """A thing's name, empty where its id is all it has, and the page that this reader may open.

    :ivar currency: in which its amounts are; empty where it has none.
    """

    label: str = ""
    url: str = ""
    currency: str = ""


def nouns_of(actor: Actor, ids: Iterable[str]) -> dict[str, Noun]:
    """Return what is known of things by their public ids, as far as the actor may read them.

    Texts that are no such ids are passed over: the books and the trail hold those too.
    One query or none for each kind of thing, whatever the number.
    """
    by_prefix: dict[str, set[str]] = defaultdict(set)
    for text in ids:
        prefix = text.rpartition("_")[0]
        if prefix in settings.NOUN_PROVIDERS and _is_id(prefix, text):
            by_prefix[prefix].add(text)
    found: dict[str, Noun] = {}
    for prefix, wanted in sorted(by_prefix.items()):
        provider = import_string(settings.NOUN_PROVIDERS[prefix])
        found |= provider(actor, sorted(wanted))
    return found


def row_named(rows: QuerySet[M], public_id: str) -> M:
    """Return the row that a path names by its public id. One query.

    :raises Http404: for a malformed id, one of another noun or firm, or none at all: the same.
    """
    prefix: str = rows.model.ID_PREFIX  # type: ignore[attr-defined]  # every noun has one
    try:
        row = rows.filter(uid=uid_of(prefix, public_id)).first()
    except NotAnId as error:
        raise Http404 from error
    if row is None:
        raise Http404
    return row


def _is_id(prefix: str, text: str) -> bool:
    try:
        uid_of(prefix, text)
    except NotAnId:
        return False
    return True
