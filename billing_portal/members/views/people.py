"""Who is a member, in which role, by whose signatures; and what waits for a second person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from billing_portal.errors import Refused
from billing_portal.ids import uid_of
from billing_portal.members import actions, forms, invitations, queries
from billing_portal.members.models import FactorReset, Invitation, Letter, Membership, User
from billing_portal.members.views.waiting import waiting_about, waiting_for
from billing_portal.portal.lists import page_of
from billing_portal.portal.nouns import Noun, row_named
from billing_portal.tenancy.actors import Actor, MissingPermission, may
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES
from billing_portal.tenancy.requests import FirmRequest
from billing_portal.tenancy.scope import current_tenant_id


@dataclass(frozen=True)
class Sent:
    """An approved invitation, and what came of its letter."""

    row: Invitation
    invited_by: str
    approved_by: str
    state: str
    why: str


@require_safe
@may("members.read")
def people(request: FirmRequest) -> HttpResponse:
    """Show members, what waits, and invitations that were sent. Ten queries."""
    page = page_of(queries.people_of(request.tenant), request)
    roles = queries.roles_of(request.tenant, page.rows)
    factors = queries.with_second_factor(page.rows)
    now = datetime.now(UTC)
    shown = {
        "page": page,
        "listed": [
            {
                "user": user,
                "roles": [row for row in roles.get(user.pk, []) if _counts(row)],
                "has_factor": user.pk in factors,
            }
            for user in page.rows
        ],
        "waiting": waiting_for(request.actor, request.tenant, now),
        "sent": _sent(request.tenant, now),
        "allowed": allowed(),
        **_powers(request.actor),
    }
    return render(request, "people/people.html", shown)


@require_safe
@may("members.read")
def person(request: FirmRequest, public_id: str) -> HttpResponse:
    """Show one member: roles with their signatures, and what they may do by which of them."""
    return person_page(request, member_of(request.tenant, public_id))


@require_http_methods(["GET", "HEAD", "POST"])
@may("members.invite")
def invite(request: FirmRequest) -> HttpResponse:
    """Invite somebody; another person approves it before any mail leaves."""
    form = forms.Invite(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            invitations.invite(
                request.tenant, **form.cleaned_data, by=request.actor, at=datetime.now(UTC)
            )
        except MissingPermission:
            raise
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            return HttpResponseRedirect(reverse("people:people"), status=303)
    shown = {
        "form": form,
        "allowed": allowed(),
        "crumbs": [(gettext("People"), reverse("people:people"))],
    }
    return render(request, "people/invite.html", shown, status=422 if form.errors else 200)


def allowed() -> list[tuple[str, list[str]]]:
    """Return each role of people with what it allows, in plain words."""
    return [
        (role.capitalize(), [words for name, words in PERMISSIONS.items() if name in ROLES[role]])
        for role in forms.PEOPLE_ROLES
    ]


def person_page(
    request: FirmRequest,
    user: User,
    *,
    form: forms.Propose | None = None,
    reset_form: forms.Reset | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show one member. Ten queries."""
    rows = queries.roles_of(request.tenant, [user]).get(user.pk, [])
    names = queries.names_of_actors(
        ref for row in rows for ref in (row.proposed_by, row.approved_by, row.ended_by) if ref
    )
    held = [row for row in rows if _counts(row)]
    owners = queries.holders_by_role(request.tenant, "owner")
    asked = [row for row in rows if not row.approved_by and not row.ended_at]
    for row in asked:
        row.user = user
    reset = queries.open_reset_of(user)
    shown = {
        "user_shown": user,
        "held": [
            {
                "row": row,
                "proposed_by": names.get(row.proposed_by, row.proposed_by),
                "approved_by": names.get(row.approved_by, row.approved_by),
                "is_last_owner": row.role == "owner" and len(owners) <= actions.OWNERS_KEPT,
            }
            for row in held
        ],
        "before": [
            {"row": row, "ended_by": names.get(row.ended_by, "")}
            for row in sorted(rows, key=lambda row: row.pk, reverse=True)
            if row.ended_at
        ],
        "waiting": waiting_about(request.actor, asked, reset),
        "permissions": _explained(held),
        **_second_factor(request.actor, user, reset),
        "form": form or forms.Propose(),
        "reset_form": reset_form or forms.Reset(),
        "crumbs": [(gettext("People"), reverse("people:people"))],
        **_powers(request.actor),
    }
    return render(request, "people/person.html", shown, status=status)


def _second_factor(actor: Actor, user: User, reset: FactorReset | None) -> dict[str, Any]:
    """Return whether somebody has one, and whether this reader may ask for its reset."""
    has_factor = bool(queries.with_second_factor([user]))
    may_ask = actor.may("members.reset_factors") and actor.id != user.pk
    return {
        "has_factor": has_factor,
        "reset": reset,
        "may_ask_reset": may_ask and has_factor and reset is None,
    }


def _explained(held: Iterable[Membership]) -> list[tuple[str, str]]:
    """Return what roles together allow, each with the roles that do."""
    roles = [row.role for row in held]
    return [
        (words, ", ".join(role.capitalize() for role in roles if name in ROLES[role]))
        for name, words in PERMISSIONS.items()
        if any(name in ROLES[role] for role in roles)
    ]


def _sent(firm: Tenant, now: datetime) -> list[Sent]:
    """Return the approved invitations that nobody has accepted yet. Three queries."""
    approved = [row for row in queries.open_invitations_of(firm) if row.approved_by]
    names = queries.names_of_actors(
        ref for row in approved for ref in (row.invited_by, row.approved_by)
    )
    letters = queries.letters_about(firm, [invitations.about(row) for row in approved])
    found = []
    for row in approved:
        state, why = _state_of(row, letters.get(invitations.about(row)), now)
        by, second = (names.get(ref, ref) for ref in (row.invited_by, row.approved_by))
        found.append(Sent(row, by, second, state, why))
    return found


def _state_of(row: Invitation, letter: Letter | None, now: datetime) -> tuple[str, str]:
    """Return how an invitation stands; a letter that is still there has not left."""
    if row.expires_at <= now:
        return "EXPIRED", gettext("Nobody used the link in time.")
    if letter is None:
        return "SENT", ""
    if letter.refused_at:
        return "BOUNCED", letter.error_text
    return "SENDING", letter.error_text


def _powers(actor: Actor) -> dict[str, bool]:
    return {
        "may_invite": actor.may("members.invite"),
        "may_approve": actor.may("members.approve"),
    }


def _counts(row: Membership) -> bool:
    return bool(row.approved_by) and row.ended_at is None


def people_named(actor: Actor, ids: list[str]) -> dict[str, Noun]:
    """Return the names of people of the firm, and their pages, by public id. One query."""
    if not actor.may("members.read"):
        return {}
    uids = [uid_of(User.ID_PREFIX, text) for text in ids]
    rows = User.objects.filter(uid__in=uids, memberships__tenant=current_tenant_id()).distinct()
    return {
        row.public_id: Noun(str(row), reverse("people:person", args=[row.public_id]))
        for row in rows
    }


def member_of(firm: Tenant, public_id: str) -> User:
    """Return somebody who holds, held, or is to hold a role in the firm.

    :raises Http404: for anybody else.
    """
    return row_named(User.objects.filter(memberships__tenant=firm), public_id)
