"""Typed text turned into values: who is invited, in which role, and what a key may do."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from billing_portal.tenancy.permissions import ROLES

# A key acts in the role "service"; a person never does.
PEOPLE_ROLES = [role for role in ROLES if role != "service"]
_ROLE_CHOICES = [(role, role.capitalize()) for role in PEOPLE_ROLES]


class Invite(forms.Form):
    """Somebody who is not a member yet."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(
        label=_("Address"), help_text=_("The link goes there; they sign in with it later.")
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=_ROLE_CHOICES, widget=forms.RadioSelect, initial="timekeeper"
    )


class Propose(forms.Form):
    """One more role for a member."""

    role = forms.ChoiceField(label=_("Role"), choices=_ROLE_CHOICES)


class Reset(forms.Form):
    """Why a member's second factors are to be taken away."""

    reason = forms.CharField(
        label=_("What happened"),
        max_length=200,
        help_text=_("Stands in the audit log. Make sure by another way that it is they who ask."),
    )
