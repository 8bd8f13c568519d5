"""What waits for a second person: proposed roles, invitations, and resets of second factors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.urls import reverse
from django.utils.translation import gettext

from billing_portal.members import queries
from billing_portal.members.models import FactorReset, Invitation, Membership
from billing_portal.portal.inbox import InboxItem, shortened
from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.scope import current_tenant_id


@dataclass(frozen=True)
class Waiting:
    """One proposal, and what this reader may do about it.

    :ivar asks: what is approved, in words, such as "Approve Ada as biller".
    :ivar why: why the reader cannot decide, where that is so.
    """

    asks: str
    who: str
    address: str
    what: str
    proposed_by: str
    proposed_at: datetime
    approve_url: str = ""
    decline_url: str = ""
    withdraw_url: str = ""
    why: str = ""


@dataclass(frozen=True)
class _Proposal:
    """A row that waits, whatever its kind."""

    noun: str
    permission: str
    public_id: str
    who: str
    address: str
    what: str
    asks: str
    by: str
    at: datetime
    is_expired: bool = False
    is_about: str = ""


def waiting_for(actor: Actor, firm: Tenant, now: datetime) -> list[Waiting]:
    """Return what waits in a firm, each with what this reader may do. Five queries."""
    rows = [
        *map(_of_role, queries.proposals_of(firm)),
        *(_of_invitation(row, now) for row in _invited(firm)),
        *map(_of_reset, queries.open_resets()),
    ]
    names = queries.names_of_actors({row.by for row in rows})
    return [_shown(row, actor, names.get(row.by, row.by)) for row in rows]


def waiting_about(
    actor: Actor, roles: list[Membership], reset: FactorReset | None
) -> list[Waiting]:
    """Return what waits about one member, each with what this reader may do. Two queries.

    :param roles: those that wait, with their user.
    """
    rows = [*map(_of_role, roles), *map(_of_reset, [reset] if reset else [])]
    names = queries.names_of_actors({row.by for row in rows})
    return [_shown(row, actor, names.get(row.by, row.by)) for row in rows]


def inbox_items(actor: Actor) -> list[InboxItem]:
    """Return what this person may approve. Six queries."""
    if not (actor.may("members.approve") or actor.may("members.reset_factors")):
        return []
    firm = Tenant.objects.get(pk=current_tenant_id())
    rows = [row for row in waiting_for(actor, firm, datetime.now(UTC)) if row.approve_url]
    items = [
        InboxItem(
            kind="person",
            title=row.asks,
            detail=gettext("Proposed by %(who)s.") % {"who": row.proposed_by},
            url=reverse("people:people"),
            icon="user",
            order=f"{row.proposed_at.date()}:{row.asks}",
            verb=gettext("Decide"),
            why=gettext("Who may do what takes two people."),
        )
        for row in rows
    ]
    return shortened(items, what=gettext("proposals to decide on"), url=reverse("people:people"))


def _invited(firm: Tenant) -> list[Invitation]:
    return [row for row in queries.open_invitations_of(firm) if not row.approved_by]


def _of_role(row: Membership) -> _Proposal:
    role = row.get_role_display()
    asks = gettext("Approve %(who)s as %(role)s") % {"who": row.user, "role": role.lower()}
    return _Proposal(
        noun="role",
        permission="members.approve",
        public_id=row.public_id,
        who=str(row.user),
        address=row.user.email,
        what=role,
        asks=asks,
        by=row.proposed_by,
        at=row.proposed_at,
        is_about=f"user:{row.user_id}",
    )


def _of_invitation(row: Invitation, now: datetime) -> _Proposal:
    role = row.get_role_display()
    said = {"who": row.name, "role": role.lower()}
    return _Proposal(
        noun="invitation",
        permission="members.approve",
        public_id=row.public_id,
        who=row.name,
        address=row.email,
        what=gettext("%(role)s, by invitation") % {"role": role},
        asks=gettext("Approve the invitation of %(who)s as %(role)s") % said,
        by=row.invited_by,
        at=row.invited_at,
        is_expired=row.expires_at <= now,
        is_about=f"user:{row.invited_user}",  # type: ignore[attr-defined]  # the query's annotation
    )


def _of_reset(row: FactorReset) -> _Proposal:
    return _Proposal(
        noun="reset",
        permission="members.reset_factors",
        public_id=row.public_id,
        who=str(row.user),
        address=row.user.email,
        what=gettext("Reset of the second factor: %(reason)s") % {"reason": row.reason},
        asks=gettext("Approve a reset of the second factor of %(who)s") % {"who": row.user},
        by=row.asked_by,
        at=row.asked_at,
        is_about=f"user:{row.user_id}",
    )


def _shown(row: _Proposal, actor: Actor, proposed_by: str) -> Waiting:
    is_own, decides = row.by == actor.ref, actor.may(row.permission)
    may_decide = decides and not is_own and row.is_about != actor.ref
    withdraws = is_own and (decides or actor.may("members.invite"))
    takes_back = "decline" if row.noun == "reset" else "withdraw"
    return Waiting(
        asks=row.asks,
        who=row.who,
        address=row.address,
        what=row.what,
        proposed_by=proposed_by,
        proposed_at=row.at,
        approve_url=_url("approve", row) if may_decide and not row.is_expired else "",
        decline_url=_url("decline", row) if may_decide else "",
        withdraw_url=_url(takes_back, row) if withdraws else "",
        why=_why(row, actor, decides=decides),
    )


def _why(row: _Proposal, actor: Actor, *, decides: bool) -> str:
    if row.is_expired:
        return gettext("It waited too long: propose it anew.")
    if row.by == actor.ref:
        return gettext("You proposed it, so another person decides.")
    if row.is_about == actor.ref:
        return gettext("It is about you, so others decide.")
    return "" if decides else gettext("An owner decides.")


def _url(verb: str, row: _Proposal) -> str:
    return reverse(f"people:{verb}_{row.noun}", args=[row.public_id])
