"""Typed text turned into values: the day of a trial balance, filters of entries, a reason."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from billing_portal.portal.lists import DayField, FilterForm, OpenChoiceField
from ledger.models.chart import ROLES

_ROLE_CHOICES = [
    ("", _("All")),
    *((key, f"{role.code} {role.label}") for key, role in ROLES.items()),
]
KINDS = {  # as the rooms above name what they post
    "charge": _("Charge"),
    "write_down": _("Write-down"),
    "write_up": _("Write-up"),
    "invoice": _("Invoice"),
    "credit_note": _("Credit note"),
    "payment": _("Payment"),
    "payer_named": _("Payer named"),
    "allocation": _("Allocation"),
    "reversal": _("Reversal"),
}
_KIND_CHOICES = [("", _("All")), *KINDS.items()]
ACCOUNT = ("role", "owner", "currency")


class AsOf(forms.Form):
    """The day up to which balances are asked for: today, unless another is given or all of them.

    Entries may be dated ahead, so that all of them hold more than what stands today.
    """

    on = DayField(label=_("As of"))
    everything = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, asked: QueryDict, *, today: date) -> None:
        given = asked.dict()
        if not given.get("on") and not given.get("everything"):
            given["on"] = today.isoformat()
        super().__init__(given)

    def day(self) -> date | None:
        """Return the last day that counts, or None where every entry does."""
        day: date | None = self.cleaned_data["on"]
        return None if self.cleaned_data["everything"] else day


class EntryFilter(FilterForm):
    """What narrows the list of entries."""

    search = "source"

    source = forms.CharField(label=_("Id of what it is about"), max_length=60, required=False)
    kind = OpenChoiceField(label=_("Kind"), choices=_KIND_CHOICES, required=False)
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
