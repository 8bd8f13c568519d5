"""What the back office types about a directory; the secret goes in and never comes out."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from billing_portal.portal.office import OfficeForm


class DirectoryForm(OfficeForm):
    """A proposal: issuer, client, domains, and whether it is the only way in."""

    secret = forms.CharField(
        max_length=400, label="Client secret", widget=forms.PasswordInput(), strip=False
    )
    ends = forms.CharField(
        label="Domains",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What your people's addresses end in, such as arnesen.test; one a line.",
    )

    def values(self) -> dict[str, Any]:
        """Name what is kept encrypted, and the domains, as the action does."""
        values = super().values()
        domains = [each for each in re.split(r"[\s,;]+", values.pop("ends")) if each]
        return {"client_secret": values.pop("secret"), "domains": domains, **values}
