"""Typed text turned into values: who is invited, in which role, and what a key may do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing_portal.tenancy.actors import Actor
from billing_portal.tenancy.permissions import PERMISSIONS, ROLES

# A key acts in the role "service"; a person never does.
PEOPLE_ROLES = [role for role in ROLES if role != "service"]
_SCOPE_CHOICES = [(name, words) for name, words in PERMISSIONS.items() if name in ROLES["service"]]
_SPANS = [(30, _("30 days")), (90, _("90 days")), (180, _("180 days")), (365, _("A year"))]
_ROLE_CHOICES = [(role, role.capitalize()) for role in PEOPLE_ROLES]


class Invite(forms.Form):
    """Somebody who is not a member yet."""

    name = forms.CharField(label=_("Name"), max_length=120)
    email = forms.EmailField(
        max_length=254,
        label=_("Address"),
        help_text=_("The link goes there; they sign in with it later."),
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=_ROLE_CHOICES, widget=forms.RadioSelect, initial="timekeeper"
    )


class Propose(forms.Form):
    """One more role for a member."""

    role = forms.ChoiceField(label=_("Role"), choices=[("", _("Choose one")), *_ROLE_CHOICES])


class Reset(forms.Form):
    """Why a member's second factors are to be taken away."""

    reason = forms.CharField(
        label=_("What happened"),
        max_length=200,
        help_text=_("Stands in the audit log. Make sure by another way that it is they who ask."),
    )


class Key(forms.Form):
    """A key that a service of the firm is to have."""

    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("The service that will use it.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=_SCOPE_CHOICES, widget=forms.CheckboxSelectMultiple
    )
    networks = forms.CharField(
        label=_("From these networks"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One a line, such as 203.0.113.0/24. Without any it may call from anywhere."),
    )
    days = forms.TypedChoiceField(label=_("It works for"), choices=_SPANS, coerce=int, initial=90)

    def __init__(self, *args: Any, by: Actor, **more: Any) -> None:
        """Offer what the person who asks may do themselves."""
        super().__init__(*args, **more)
        offered = [(name, words) for name, words in _SCOPE_CHOICES if by.may(name)]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]  # a choice field

    def clean_networks(self) -> list[str]:
        """Return the lines that say something."""
        lines: list[str] = self.cleaned_data["networks"].splitlines()
        return [line.strip() for line in lines if line.strip()]
