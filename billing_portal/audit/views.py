"""The audit log: who did what to which thing, newest first."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from django import forms
from django.apps import apps
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from billing_portal.audit import queries
from billing_portal.audit.deeds import DEEDS
from billing_portal.audit.models import AuditEvent, Seal
from billing_portal.audit.trail import CHAIN
from billing_portal.portal.details import Facts, read
from billing_portal.portal.lists import DayField, FilterForm, Filters, OpenChoiceField, page_of
from billing_portal.portal.templatetags.portal import words
from billing_portal.tenancy.actors import OPERATORS, ActorKind, may
from billing_portal.tenancy.requests import FirmRequest

_KINDS = {str(ActorKind.USER): _("Person"), str(ActorKind.KEY): _("API key")}


def _choices() -> list[tuple[str, str]]:
    told = sorted((str(said), key) for key, said in DEEDS.items())
    return [("", gettext("Anything")), *((key, said) for said, key in told)]


class DeedFilter(FilterForm):
    """What narrows the log."""

    search = "subject"

    subject = forms.CharField(
        label=_("Id of a thing, as in its address"), max_length=60, required=False
    )
    actor = forms.CharField(
        label=_("Who"),
        max_length=60,
        required=False,
        help_text=_("Part of a name."),
    )
    action = OpenChoiceField(label=_("Did"), choices=_choices, required=False)
    since = DayField(label=_("From"))
    until = DayField(label=_("Until"))


@dataclass(frozen=True)
class DeedRow:
    """One line of the log.

    :ivar kind: of actor, in words; which part of the portal, where it was the portal.
    :ivar asked_by: what finds this actor's deeds.
    :ivar facts: the details, each as its name in words and its value in words.
    """

    event: AuditEvent
    who: str
    kind: str
    asked_by: str
    did: str
    subject: str
    facts: Facts
    seal: Seal | None


@require_safe
@may("audit.read")
def log(request: FirmRequest) -> HttpResponse:
    """Show who did what, as far as it fits the filters. Six queries and one a kind of noun."""
    form = DeedFilter(request.GET)
    state = queries.chain_state(CHAIN)
    shown: dict[str, object] = {
        "form": form,
        "filters": Filters(request, form, "deeds"),
        "sub": _said_of(state),
    }
    if form.is_valid():
        wanted = queries.deeds(**form.given(), zone_name=request.tenant.time_zone)
        page = page_of(wanted, request)
        seals = queries.seals_of(CHAIN, [event.pk for event in page.rows])
        told, nouns = read(page.rows, request.actor)
        rows = [
            _row(event, seals.get(event.pk), facts)
            for event, facts in zip(page.rows, told, strict=True)
        ]
        shown |= {"rows": rows, "pager": page.pager, "nouns": nouns}
    name = "audit/_deeds.html" if request.headers.get("HX-Request") else "audit/log.html"
    return render(request, name, shown, status=422 if form.errors else 200)


def _said_of(state: queries.ChainState) -> str:
    last = state.last.seq if state.last else 0
    waiting = f"{state.waiting:,}+" if state.is_capped else f"{state.waiting:,}"
    return gettext("Last seal %(last)s; %(waiting)s not sealed yet.") % {
        "last": f"{last:,}",
        "waiting": waiting,
    }


def _row(event: AuditEvent, seal: Seal | None, facts: Facts) -> DeedRow:
    subject = _nouns().get(event.subject_kind) or words(event.subject_kind)
    did = str(DEEDS.get(event.action) or words(event.action))
    kind = _KINDS.get(event.actor.partition(":")[0])
    asked_by = event.actor_name if kind else event.actor
    return DeedRow(event, _who(event), str(kind or asked_by), asked_by, did, subject, facts, seal)


def _who(event: AuditEvent) -> str:
    """Return who did it: nobody typed what the system did by itself."""
    kind, _colon, name = event.actor.partition(":")
    if kind != ActorKind.SYSTEM:
        return capfirst(event.actor_name) if kind == ActorKind.KEY else event.actor_name
    return gettext("The operator") if name in OPERATORS else gettext("The portal itself")


@functools.cache
def _nouns() -> dict[str, str]:
    return {
        str(model._meta.model_name): str(capfirst(model._meta.verbose_name))
        for model in apps.get_models()
    }
