"""The library's forms for codes, so that a recovery code does not go unnoticed."""

from __future__ import annotations

from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator

from billing_portal.members import proofs


class Authenticate(AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code at sign-in."""

    def save(self) -> None:
        """Take the code; one that is good once is written down and told."""
        super().save()
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            proofs.note_recovery_code(self.user)


class Reauthenticate(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code that proves once more who is there."""

    def save(self) -> None:
        """Take the code; one that is good once is written down and told."""
        super().save()
        if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:
            proofs.note_recovery_code(self.user)
