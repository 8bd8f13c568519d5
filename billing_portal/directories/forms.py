"""What the back office types about a directory; the secret goes in and never comes out."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from billing_portal.directories.models import Protocol
from billing_portal.directories.saml import NotADirectory, described
from billing_portal.directories.saml_xml import MOST_BYTES
from billing_portal.portal.office import OfficeForm


class DirectoryForm(OfficeForm):
    """A proposal: how it is asked, its domains, and whether it is the only way in."""

    protocol = forms.ChoiceField(choices=Protocol.choices, initial=Protocol.OIDC, required=False)
    issuer = forms.CharField(
        max_length=200,
        required=False,
        help_text="As the provider writes it; for SAML, its entity ID.",
    )
    secret = forms.CharField(
        max_length=400,
        label="Client secret",
        widget=forms.PasswordInput(),
        strip=False,
        required=False,
    )
    metadata = forms.CharField(
        max_length=MOST_BYTES,
        label="Metadata",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        required=False,
        help_text="The provider's description of itself, XML. With it, leave out issuer, "
        "sign-in address and certificates.",
    )
    ends = forms.CharField(
        label="Domains",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What your people's addresses end in, such as arnesen.test; one a line.",
    )

    def clean_protocol(self) -> str:
        """Take a form that names no protocol as one of OpenID Connect."""
        return self.cleaned_data["protocol"] or Protocol.OIDC

    def clean_metadata(self) -> str:
        """Read the provider's description of itself."""
        pasted: str = self.cleaned_data["metadata"]
        try:
            self.described = described(pasted) if pasted else None
        except NotADirectory as error:
            raise forms.ValidationError(str(error)) from error
        return pasted

    def clean(self) -> dict[str, Any]:
        """Ask for what the protocol needs, and for nothing twice."""
        said = super().clean()
        is_saml = said.get("protocol") == Protocol.SAML
        has_metadata = bool(said.get("metadata") or "metadata" in self.errors)
        needed = ["issuer", *(["sso_url", "certificates"] if is_saml else ["client_id", "secret"])]
        for name in [] if has_metadata else needed:
            if not said.get(name) and name not in self.errors:
                self.add_error(name, "This field is required.")
        typed = ["issuer", "sso_url", "certificates"] if has_metadata else []
        for name in [each for each in typed if said.get(each)]:
            self.add_error(name, "The metadata says this: leave one of the two out.")
        if has_metadata and not is_saml:
            self.add_error("metadata", "Metadata is of SAML: choose that protocol.")
        return said

    def values(self) -> dict[str, Any]:
        """Name what is kept encrypted, and the domains, as the action does."""
        values = super().values()
        domains = [each for each in re.split(r"[\s,;]+", values.pop("ends")) if each]
        if values.pop("metadata") and self.described is not None:
            values |= {
                "issuer": self.described.entity_id,
                "sso_url": self.described.sso_url,
                "certificates": self.described.certificates,
            }
        return {"client_secret": values.pop("secret"), "domains": domains, **values}
