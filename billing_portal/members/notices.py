"""What people are told by mail when something about their account has changed."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from billing_portal.members.models import User
from billing_portal.members.post import carrier_for, post, written_for

SENDER = {"name": "Billing portal", "color": "#1f5fbf"}  # a person's account is of no firm
_SECURITY = "/accounts/2fa/"

# By the name of the library's template, or by our own: subject, and what happened.
_WORDS = {
    "password_changed": (
        gettext_noop("Your password was changed"),
        gettext_noop("The password that you sign in with was changed."),
    ),
    "password_reset": (
        gettext_noop("Your password was changed"),
        gettext_noop("A new password was chosen by the link in a mail to you."),
    ),
    "password_set": (
        gettext_noop("Your password was set"),
        gettext_noop("A password was set for your account."),
    ),
    "totp_activated": (
        gettext_noop("An authenticator app was added"),
        gettext_noop("Signing in now asks for a code from an authenticator app."),
    ),
    "totp_deactivated": (
        gettext_noop("Your authenticator app was removed"),
        gettext_noop("Signing in no longer asks for a code from your authenticator app."),
    ),
    "webauthn_added": (
        gettext_noop("A security key was added"),
        gettext_noop("A passkey or security key was added to your account."),
    ),
    "webauthn_removed": (
        gettext_noop("A security key was removed"),
        gettext_noop("A passkey or security key was removed from your account."),
    ),
    "recovery_codes_generated": (
        gettext_noop("New recovery codes were made"),
        gettext_noop("New recovery codes were made; those before open nothing any more."),
    ),
    "recovery_code_used": (
        gettext_noop("A recovery code was used"),
        gettext_noop("A recovery code took the place of your second factor. It works no more."),
    ),
    "factors_reset": (
        gettext_noop("Your second factor was reset"),
        gettext_noop(
            "Two people of your firm removed your second factors and ended your sessions. "
            "Sign in with your password, and set up a new second factor."
        ),
    ),
}


def tell(user: User, notice: str) -> None:
    """Post a notice to a person's address; a job sends it after the commit. Five queries."""
    firm = carrier_for(user.email)
    if firm is None:
        return  # an installation without a firm has nobody to write to
    subject, happened = (gettext(words) for words in _WORDS[notice])
    letter = written_for(
        SENDER,
        user.email,
        subject=subject,
        heading=subject,
        preheader=happened,
        paragraphs=[
            happened,
            gettext("If it was not you, tell an owner of your firm at once."),
        ],
        button_url=f"{settings.SITE_URL}{_SECURITY}",
        button_label=gettext("Sign-in and security"),
        footer=[gettext("You get this because it concerns your account.")],
    )
    post(letter, firm=firm)
