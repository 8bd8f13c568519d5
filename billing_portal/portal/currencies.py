"""The currencies that forms of the back office offer."""

from __future__ import annotations

from typing import cast

from django import forms
from django.utils.translation import gettext

from billing_portal.money import CURRENCIES_IN_USE


def offer_currencies(form: forms.BaseForm, name: str) -> None:
    """Let a field of a form choose among the currencies in use, where the form has the field.

    The same ones are taken over REST; a field of money keeps its amount as it is.
    """
    offered = [(code, code) for code in CURRENCIES_IN_USE]
    field = form.fields.get(name)
    if isinstance(field, forms.MultiValueField):
        cast(forms.ChoiceField, field.fields[1]).choices = offered
        amount, currency = cast(forms.MultiWidget, field.widget).widgets
        cast(forms.Select, currency).choices = offered
        amount.attrs["aria-label"] = str(field.label)
        currency.attrs["aria-label"] = gettext("Currency")
    elif field is not None:
        form.fields[name] = forms.ChoiceField(
            choices=offered, label=field.label, help_text=field.help_text
        )
