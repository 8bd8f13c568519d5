"""Proposing, approving, declining, withdrawing and ending: each leads back to where it stood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from billing_portal.members import actions, forms, invitations, resets
from billing_portal.members.models import FactorReset, Invitation, Membership
from billing_portal.members.views import people
from billing_portal.portal.answers import after
from billing_portal.portal.proving import stepped_up
from billing_portal.tenancy.actors import may
from billing_portal.tenancy.models import Tenant
from billing_portal.tenancy.requests import FirmRequest


@require_POST
@may("members.invite")
def propose_role(request: FirmRequest, pk: int) -> HttpResponse:
    """Propose one more role for a member."""
    user = people.member_of(request.tenant, pk)
    form = forms.Propose(request.POST)
    if not form.is_valid():
        return people.person_page(request, user, form=form, status=422)
    return after(
        request,
        lambda: actions.propose_role(
            request.tenant, user, form.cleaned_data["role"], by=request.actor
        ),
        to=reverse("people:person", args=[user.pk]),
        said=gettext("Proposed. It counts once another person has approved it."),
    )


@require_POST
@may("members.approve")
@stepped_up
def approve_role(request: FirmRequest, pk: int) -> HttpResponse:
    """Let a proposed role count."""
    return _move_role(request, pk, actions.approve_role, gettext("The role counts from now on."))


@require_POST
@may("members.approve")
def decline_role(request: FirmRequest, pk: int) -> HttpResponse:
    """Turn a proposed role down."""
    return _move_role(request, pk, _dated(actions.decline_role), gettext("Declined."))


@require_POST
@may("members.invite")
def withdraw_role(request: FirmRequest, pk: int) -> HttpResponse:
    """Take one's own proposal back."""
    return _move_role(request, pk, _dated(actions.withdraw_role), gettext("Withdrawn."))


@require_POST
@may("members.approve")
@stepped_up
def end_role(request: FirmRequest, pk: int) -> HttpResponse:
    """Take a role back that counted."""
    row = _role(request.tenant, pk)
    return after(
        request,
        lambda: actions.end_role(row, by=request.actor, at=datetime.now(UTC)),
        to=reverse("people:person", args=[row.user_id]),
        said=gettext("The role has ended."),
    )


@require_POST
@may("members.approve")
@stepped_up
def approve_invitation(request: FirmRequest, pk: int) -> HttpResponse:
    """Let an invitation go out."""
    said = gettext("Approved: the mail is on its way.")
    return _move_invitation(request, pk, invitations.approve_invitation, said)


@require_POST
@may("members.approve")
def decline_invitation(request: FirmRequest, pk: int) -> HttpResponse:
    """Turn a proposed invitation down."""
    return _move_invitation(request, pk, invitations.decline_invitation, gettext("Declined."))


@require_POST
@may("members.invite")
def withdraw_invitation(request: FirmRequest, pk: int) -> HttpResponse:
    """Take an invitation back; its link opens nothing any more."""
    return _move_invitation(request, pk, invitations.withdraw_invitation, gettext("Withdrawn."))


@require_POST
@may("members.invite")
def send_again(request: FirmRequest, pk: int) -> HttpResponse:
    """Mail an approved invitation anew, with a new link."""
    said = gettext("A new mail is on its way; the link before opens nothing any more.")
    return _move_invitation(request, pk, invitations.send_again, said)


@require_POST
@may("members.reset_factors")
def request_reset(request: FirmRequest, pk: int) -> HttpResponse:
    """Ask that the second factors of a member be taken away."""
    user = people.member_of(request.tenant, pk)
    form = forms.Reset(request.POST)
    if not form.is_valid():
        return people.person_page(request, user, reset_form=form, status=422)
    return after(
        request,
        lambda: resets.request_reset(user, reason=form.cleaned_data["reason"], by=request.actor),
        to=reverse("people:person", args=[user.pk]),
        said=gettext("Asked for. It happens once another person has approved it."),
    )


@require_POST
@may("members.reset_factors")
@stepped_up
def approve_reset(request: FirmRequest, pk: int) -> HttpResponse:
    """Take the second factors of a member away."""
    said = gettext("The second factor is gone; the person has been told by mail.")
    return _move_reset(request, pk, resets.approve_reset, said)


@require_POST
@may("members.reset_factors")
def decline_reset(request: FirmRequest, pk: int) -> HttpResponse:
    """Turn a reset down, or take one's own wish back."""
    return _move_reset(request, pk, _dated(resets.decline_reset), gettext("Nothing was reset."))


def _role(firm: Tenant, pk: int) -> Membership:
    row = Membership.objects.filter(tenant=firm, pk=pk).first()
    if row is None:
        raise Http404
    return row


def _dated(deed: Callable[..., Any]) -> Callable[..., Any]:
    return lambda row, *, by: deed(row, by=by, at=datetime.now(UTC))


def _move_role(request: FirmRequest, pk: int, deed: Callable[..., Any], said: str) -> HttpResponse:
    row = _role(request.tenant, pk)
    to = reverse("people:people")
    return after(request, lambda: deed(row, by=request.actor), to=to, said=said)


def _move_invitation(
    request: FirmRequest, pk: int, deed: Callable[..., Any], said: str
) -> HttpResponse:
    row = Invitation.objects.filter(tenant=request.tenant, pk=pk).first()
    if row is None:
        raise Http404
    return after(
        request,
        lambda: deed(row, by=request.actor, at=datetime.now(UTC)),
        to=reverse("people:people"),
        said=said,
    )


def _move_reset(request: FirmRequest, pk: int, deed: Callable[..., Any], said: str) -> HttpResponse:
    row = FactorReset.objects.filter(pk=pk).first()
    if row is None:
        raise Http404
    to = reverse("people:people")
    return after(request, lambda: deed(row, by=request.actor), to=to, said=said)
