"""Typed text turned into values: the day of a trial balance, filters of entries, a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing_portal.portal.lists import DayField, FilterForm
from ledger.models.chart import ROLES

_ROLE_CHOICES = [
    ("", _("All")),
    *((key, f"{role.code} {role.label}") for key, role in ROLES.items()),
]
ACCOUNT = ("role", "owner", "currency")


class AsOf(forms.Form):
    """The day up to which balances are asked for."""

    on = DayField(label=_("As of"))


class EntryFilter(FilterForm):
    """What narrows the list of entries."""

    search = "source"

    source = forms.CharField(label=_("About (an id)"), max_length=60, required=False)
    kind = forms.CharField(
        label=_("Kind"), max_length=40, required=False, help_text=_("Such as charge or payment.")
    )
    role = forms.ChoiceField(label=_("Account"), choices=_ROLE_CHOICES, required=False)
    owner = forms.CharField(
        label=_("Whose account"), max_length=60, required=False, help_text=_("A customer's id.")
    )
    currency = forms.CharField(label=_("Currency"), max_length=3, required=False)
    since = DayField(label=_("Booked from"))
    until = DayField(label=_("Booked until"))

    def clean_currency(self) -> str:
        """Take small letters too."""
        currency: str = self.cleaned_data["currency"]
        return currency.upper()

    def account(self) -> dict[str, Any]:
        """Return what names the accounts, where any are named."""
        return {name: value for name, value in self.given().items() if name in ACCOUNT}


class Reversal(forms.Form):
    """Why an entry is undone."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Stands in the books beside the mirror entry."),
    )
