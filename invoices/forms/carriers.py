"""What the back office types about carriers; passwords go in and never come out."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from billing_portal.portal.office import OfficeForm, VersionedForm
from customers.queries import members


class CarrierForm(VersionedForm):
    """A carrier: its code, name, site, and how its LEDES files deviate from the standard."""

    profile = forms.JSONField(
        label="LEDES profile",
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="What this carrier wants otherwise than the standard, as JSON; {} for nothing.",
    )


class RecipeForm(OfficeForm):
    """The steps of a browser on a carrier's site, as JSON."""

    content = forms.JSONField(widget=forms.Textarea(attrs={"rows": 20}))


class LoginForm(OfficeForm):
    """A user and password at a carrier."""

    user = forms.CharField(max_length=120)
    secret = forms.CharField(max_length=200, label="Password", widget=forms.PasswordInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "owner" in self.fields:
            cast(forms.ModelChoiceField, self.fields["owner"]).queryset = members()

    def values(self) -> dict[str, Any]:
        """Name what is kept encrypted as the action does."""
        values = super().values()
        return {"user_name": values.pop("user"), "password": values.pop("secret"), **values}
