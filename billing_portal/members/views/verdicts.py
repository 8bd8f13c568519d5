"""Proposing, approving, declining, withdrawing and ending: each leads back to where it stood."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from billing_portal.members import actions, forms, invitations, resets
from billing_portal.members.models import FactorReset, Invitation, Membership
from billing_portal.members.views import people
from billing_portal.members.views.moving import dated, moved
from billing_portal.portal.answers import after
from billing_portal.portal.nouns import row_named
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.requests import FirmRequest


@require_POST
@may("members.invite")
def propose_role(request: FirmRequest, public_id: str) -> HttpResponse:
    """Propose one more role for a member."""
    user = people.member_of(request.tenant, public_id)
    form = forms.Propose(request.POST)
    if not form.is_valid():
        return people.person_page(request, user, form=form, status=422)
    return after(
        request,
        lambda: actions.propose_role(
            request.tenant, user, form.cleaned_data["role"], by=request.actor
        ),
        to=reverse("people:person", args=[user.public_id]),
        said=gettext("Proposed. It counts once another person has approved it."),
    )


@require_POST
@may("members.approve")
@stepped_up
def approve_role(request: FirmRequest, public_id: str) -> HttpResponse:
    """Let a proposed role count."""
    said = gettext("The role counts from now on.")
    return moved(request, _roles(request), public_id, actions.approve_role, said=said)


@require_POST
@may("members.approve")
def decline_role(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn a proposed role down."""
    deed = dated(actions.decline_role)
    return moved(request, _roles(request), public_id, deed, said=gettext("Declined."))


@require_POST
@may("members.invite")
def withdraw_role(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take one's own proposal back."""
    deed = dated(actions.withdraw_role)
    return moved(request, _roles(request), public_id, deed, said=gettext("Withdrawn."))


@require_POST
@may("members.approve")
@stepped_up
def end_role(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take a role back that counted."""
    row = row_named(_roles(request), public_id)
    return after(
        request,
        lambda: actions.end_role(row, by=request.actor, at=datetime.now(UTC)),
        to=reverse("people:person", args=[row.user.public_id]),
        said=gettext("The role has ended."),
    )


@require_POST
@may("members.approve")
@stepped_up
def approve_invitation(request: FirmRequest, public_id: str) -> HttpResponse:
    """Let an invitation go out."""
    deed, said = dated(invitations.approve_invitation), gettext("Approved: the mail is on its way.")
    return moved(request, _invitations(request), public_id, deed, said=said)


@require_POST
@may("members.approve")
def decline_invitation(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn a proposed invitation down."""
    deed = dated(invitations.decline_invitation)
    return moved(request, _invitations(request), public_id, deed, said=gettext("Declined."))


@require_POST
@may("members.invite")
def withdraw_invitation(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take an invitation back; its link opens nothing any more."""
    deed = dated(invitations.withdraw_invitation)
    return moved(request, _invitations(request), public_id, deed, said=gettext("Withdrawn."))


@require_POST
@may("members.invite")
def send_again(request: FirmRequest, public_id: str) -> HttpResponse:
    """Mail an approved invitation anew, with a new link."""
    said = gettext("A new mail is on its way; the link before opens nothing any more.")
    return moved(
        request, _invitations(request), public_id, dated(invitations.send_again), said=said
    )


@require_POST
@may("members.reset_factors")
def request_reset(request: FirmRequest, public_id: str) -> HttpResponse:
    """Ask that the second factors of a member be taken away."""
    user = people.member_of(request.tenant, public_id)
    form = forms.Reset(request.POST)
    if not form.is_valid():
        return people.person_page(request, user, reset_form=form, status=422)
    return after(
        request,
        lambda: resets.request_reset(user, reason=form.cleaned_data["reason"], by=request.actor),
        to=reverse("people:person", args=[user.public_id]),
        said=gettext("Asked for. It happens once another person has approved it."),
    )


@require_POST
@may("members.reset_factors")
@stepped_up
def approve_reset(request: FirmRequest, public_id: str) -> HttpResponse:
    """Take the second factors of a member away."""
    said = gettext("The second factor is gone; the person has been told by mail.")
    return moved(request, FactorReset.objects.all(), public_id, resets.approve_reset, said=said)


@require_POST
@may("members.reset_factors")
def decline_reset(request: FirmRequest, public_id: str) -> HttpResponse:
    """Turn a reset down, or take one's own wish back."""
    deed = dated(resets.decline_reset)
    return moved(
        request, FactorReset.objects.all(), public_id, deed, said=gettext("Nothing was reset.")
    )


def _roles(request: FirmRequest) -> QuerySet[Membership]:
    return Membership.objects.filter(tenant=request.tenant)


def _invitations(request: FirmRequest) -> QuerySet[Invitation]:
    return Invitation.objects.filter(tenant=request.tenant)
