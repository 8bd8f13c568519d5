"""Typed text turned into values; what may be is for the actions to say."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from billing_portal.money import Money
from billing_portal.portal.currencies import offer_currencies
from billing_portal.portal.office import OfficeForm, VersionedForm
from customers import queries
from customers.models import FORMATS


class CustomerForm(VersionedForm):
    """A customer; its address and tax identity are dated facts of their own."""

    on = forms.DateField(
        label="Customer from",
        help_text="Taxable from this day on.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            del self.fields["on"]
        offer_currencies(self, "currency")


class MatterForm(VersionedForm):
    """A matter and who answers for it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_members(self, "responsible")


class TimekeeperForm(VersionedForm):
    """Somebody whose time is billed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_members(self, "user")


class RateForm(OfficeForm):
    """A rate to propose."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_currencies(self, "amount")

    def values(self) -> dict[str, Any]:
        """Give the amount as the house's own money."""
        values = super().values()
        return {**values, "amount": _money(values["amount"])}


class TermsForm(OfficeForm):
    """How a customer's charges become invoices, from a day on."""

    formats = forms.MultipleChoiceField(
        choices=[(name, name.upper()) for name in FORMATS],
        initial=["pdf"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    time_zone = forms.CharField(
        required=False, max_length=60, help_text="The customer's own unless given."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_members(self, "reviewer")
        if "minimum" in self.fields:
            minimum = cast(forms.MultiValueField, self.fields["minimum"])
            minimum.required = minimum.require_all_fields = False
            minimum.fields[1].required = True  # a currency without an amount is no minimum
            offer_currencies(self, "minimum")

    def values(self) -> dict[str, Any]:
        """Give the minimum as the house's own money, or nothing."""
        values = super().values()
        least = values.pop("minimum", None)
        return values if least is None else {**values, "minimum": _money(least)}


class PaymentMethodForm(OfficeForm):
    """A way to pay."""


class BankDetailsForm(OfficeForm):
    """Bank details to propose; the account is encrypted and never shown again."""

    account = forms.CharField(max_length=42, help_text="IBAN or account number.")

    def values(self) -> dict[str, Any]:
        """Name the payment method as the action does."""
        values = super().values()
        return {"method": values.pop("payment_method"), **values}


def _offer_members(form: forms.ModelForm, name: str) -> None:
    if name in form.fields:
        cast(forms.ModelChoiceField, form.fields[name]).queryset = queries.members()


def _money(value: Any) -> Money:
    return Money(value.amount, str(value.currency))
